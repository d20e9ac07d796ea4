"""The OpenAPI document is true of the running app whatever it is sent."""

import pytest
from hearback_devkit.openapi import assert_conforms
from hearback_devkit.testing import served

from ..conftest import Api


@pytest.mark.timeout(480)
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
