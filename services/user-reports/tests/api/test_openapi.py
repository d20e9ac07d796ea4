"""The OpenAPI document is true of the running app whatever it is sent."""

from typing import Any

import pytest
from hearback_devkit.openapi import assert_conforms
from hearback_devkit.testing import served
from hearback_kit.values.ids import random_id
from user_reports.__main__ import PROGRAM

from .conftest import SECRET

KNOWN = {
    "organization": "demo",
    "project": "web",
    "issue": "1",
    "report": "1",
    "short_id": "WEB-ERR-1",
    "key": "colour",
}


@pytest.mark.timeout(480)
async def test_answers_conform(harness: Any, api: Any) -> None:
    event_id = random_id()
    await harness.deliver(harness.event(event_id), harness.report(event_id))
    known = KNOWN | {"event": event_id, "event_id": event_id, "organization_id": "1"}
    document = PROGRAM.create_app(PROGRAM.settings()).openapi()
    async with served(api.app, is_started=True) as url:
        await assert_conforms(document, url, known=known, headers=api.owner, secret=SECRET, examples=15)
