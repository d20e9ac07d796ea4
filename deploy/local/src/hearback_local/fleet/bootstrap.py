"""Asks the registry for an organization with a project, an owner and a token."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BOOTSTRAP_PATH = "/internal/bootstrap"


def create(organization: str, project: str) -> bytes:
    """The registry's answer as JSON; the same again when both exist. Runs in a child of its own."""
    return asyncio.run(ask(os.environ, organization, project))


async def ask(environment: Mapping[str, str], organization: str, project: str) -> bytes:
    """Asks the registry that `environment` names.

    Raises:
        BootstrapRefused: It does not want to, or cannot be reached.
    """
    from hearback_kit.errors import Unavailable
    from hearback_kit.http import ServiceClient

    client = ServiceClient(
        environment["HEARBACK_REGISTRY_URL"],
        service="launcher",
        secret=environment["HEARBACK_SECRET_KEY"],
        timeout_seconds=30.0,
    )
    body = json.dumps({"organization": organization, "project": project}).encode()
    try:
        answer = await client.request("POST", BOOTSTRAP_PATH, body=body)
    except Unavailable as error:
        raise BootstrapRefused(f"the registry cannot be asked: {error.detail}") from error
    finally:
        await client.close()
    if answer.status_code not in {200, 201}:
        raise BootstrapRefused(f"the registry answered {answer.status_code}: {detail_of(answer.content)}")
    return answer.content


def detail_of(body: bytes) -> str:
    """What an error's answer says, for people."""
    try:
        content = json.loads(body)
    except ValueError:
        return body[:200].decode(errors="replace")
    return str(content.get("detail", content)) if isinstance(content, dict) else str(content)


class BootstrapRefused(RuntimeError):
    """The registry does not want to create it."""


def with_addresses(answer: Mapping[str, Any], url: str, data_dir: Path) -> dict[str, Any]:
    """The answer with the addresses of the fleet as it runs now."""
    host = urlsplit(url).netloc
    dsn = f"http://{answer['public_key']}@{host}/{answer['project_id']}"
    return {**answer, "url": url, "dsn": dsn, "data_dir": str(data_dir)}
