"""The OpenAPI document is true of the running registry whatever it is sent."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hearback_devkit.openapi import assert_conforms
from hearback_devkit.testing import served
from hearback_kit.http import ServiceClient
from registry.app import create_app
from registry.settings import Settings

DOCUMENT = Path(__file__).parents[3] / "registry" / "openapi.json"
KNOWN = {"organization": "demo", "project": "web", "key": "1", "member": "1"}


async def bootstrap(url: str, secret: str) -> str:
    """Make the organization of the examples and return its owner's token."""
    client = ServiceClient(url, service="launcher", secret=secret)
    body = orjson.dumps({"organization": "demo", "project": "web"})
    answer = await client.request("POST", "/internal/bootstrap", body=body)
    await client.close()
    token: str = answer.json()["token"]
    return token


@pytest.mark.timeout(480)
async def test_answers_conform(settings: Settings) -> None:
    async with served(create_app(settings)) as url:
        token = await bootstrap(url, settings.secret_key.get_secret_value())
        await assert_conforms(
            orjson.loads(DOCUMENT.read_bytes()),
            url,
            known=KNOWN,
            headers={"Authorization": f"Bearer {token}"},
            secret=settings.secret_key.get_secret_value(),
            prepare=keep_slugs,
            is_tried=lambda operation: operation.path != "/metrics",
            # It may revoke the token of the examples, and all others would only show 401.
            is_last=lambda operation: operation.path.endswith("api-tokens/{token}/"),
        )


def keep_slugs(case: Any, is_known: bool) -> None:
    """Rename no organization or project that the examples name."""
    if is_known and isinstance(case.body, dict) and case.body.get("slug"):
        case.body = {**case.body, "slug": None}
