"""The OpenAPI document: committed as generated, and true of the running app whatever it is sent."""

from pathlib import Path
from typing import Any

import pytest
from hearback_contracts.routes import service_of
from hearback_devkit.openapi import assert_committed, assert_conforms
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


def test_the_committed_document_is_current() -> None:
    assert_committed(Path(__file__).parents[2] / "openapi.json", PROGRAM.openapi())


def test_every_path_leads_here() -> None:
    document = PROGRAM.create_app(PROGRAM.settings()).openapi()
    known = KNOWN | {"event": "e"}
    paths = [path.format(**known) for path in document["paths"] if path.startswith("/api/")]
    assert paths
    assert {service_of(path) for path in paths} == {"user-reports"}


@pytest.mark.timeout(240)
async def test_answers_conform(harness: Any, api: Any) -> None:
    event_id = random_id()
    await harness.deliver(harness.event(event_id), harness.report(event_id))
    known = KNOWN | {"event": event_id, "event_id": event_id, "organization_id": "1"}
    document = PROGRAM.create_app(PROGRAM.settings()).openapi()
    async with served(api.app, is_started=True) as url:
        await assert_conforms(document, url, known=known, headers=api.owner, secret=SECRET, examples=15)
