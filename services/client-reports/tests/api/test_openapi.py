"""The OpenAPI document is true of the running app whatever it is sent."""

from typing import Any

import orjson
import pytest
from hearback_devkit.openapi import assert_conforms
from hearback_devkit.testing import served
from hearback_fleet.reprocessing import REPROCESSINGS_PATH
from hearback_kit.http import ServiceClient

KNOWN = {"organization": "demo", "project": "web", "rule_id": "1", "submission_id": "a" * 32}


@pytest.mark.timeout(480)
async def test_answers_conform(api: Any) -> None:
    headers = {"Authorization": api.client.headers["Authorization"]}
    async with served(api.app, is_started=True) as url:
        secret = api.app.state.state.settings.secret_key.get_secret_value()
        document = api.app.openapi()
        tried = await assert_conforms(document, url, known=KNOWN, headers=headers, secret=secret, examples=25)
    assert tried == 12


@pytest.mark.parametrize(
    "part", [{"project_id": 2**63}, {"project_id": -(2**63)}, {"project_id": 0}, {"after": f"{2**63}|00|a"}]
)
async def test_a_reprocessing_of_no_project_is_refused(api: Any, part: dict[str, Any]) -> None:
    secret = api.app.state.state.settings.secret_key.get_secret_value()
    times = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
    async with served(api.app, is_started=True) as url:
        client = ServiceClient(url, service="test", secret=secret)
        answer = await client.request("POST", REPROCESSINGS_PATH, body=orjson.dumps({**times, **part}))
        await client.close()
    assert answer.status_code in {400, 422}, answer.text
