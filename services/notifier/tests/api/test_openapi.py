"""The OpenAPI document is true of the running app whatever it is sent."""

import pytest
from hearback_devkit.openapi import assert_conforms
from hearback_devkit.testing import served

from ..conftest import Api, feedback
from ..consumers.test_feedback_created import take

KNOWN = {"organization": "demo", "project": "web", "rule_id": "1", "delivery_id": "1"}


@pytest.mark.timeout(480)
async def test_answers_conform(api: Api) -> None:
    await take(api.notifier, feedback())
    rule = {"name": "team", "channel": "email", "target": "team@example.com"}
    assert (await api.client.post(api.rules, json=rule)).status_code == 201
    headers = {"Authorization": api.client.headers["Authorization"]}
    async with served(api.app, is_started=True) as url:
        secret = api.app.state.state.settings.secret_key.get_secret_value()
        document = api.app.openapi()
        tried = await assert_conforms(document, url, known=KNOWN, headers=headers, secret=secret, examples=15)
    assert tried == 10
