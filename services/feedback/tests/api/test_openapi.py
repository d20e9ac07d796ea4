"""The OpenAPI document: committed as generated, and true of the running app whatever it is sent."""

from pathlib import Path

import pytest
from feedback.__main__ import PROGRAM
from hearback_contracts.routes import service_of
from hearback_devkit.openapi import assert_committed, assert_conforms
from hearback_devkit.testing import served

from ..conftest import Api


def test_the_committed_document_is_current() -> None:
    assert_committed(Path(__file__).parents[2] / "openapi.json", PROGRAM.openapi())


def test_every_path_leads_here() -> None:
    known = {
        "organization": "demo",
        "project": "web",
        "issue_id": "2",
        "event_id": "e",
        "attachment_id": "1",
        "short_id": "WEB-1",
    }
    document = PROGRAM.create_app(PROGRAM.settings()).openapi()
    paths = [path.format(**known, key="k") for path in document["paths"] if path.startswith("/api/")]
    assert len(paths) > 10
    assert {service_of(path) for path in paths} == {"feedback"}


@pytest.mark.timeout(240)
async def test_answers_conform(api: Api) -> None:
    event_id = await api.submit(tags={"k": "v"})
    issue = await api.issue(event_id)
    known = {
        "organization": "demo",
        "project": "web",
        "issue_id": issue["id"],
        "event_id": event_id,
        "key": "k",
        "short_id": issue["shortId"],
        "organization_id": "1",
    }
    headers = {"Authorization": api.client.headers["Authorization"]}
    async with served(api.app, is_started=True) as url:
        await assert_conforms(
            api.app.openapi(),
            url,
            known=known,
            headers=headers,
            secret=api.intake.settings.secret_key.get_secret_value(),
            examples=15,
        )
