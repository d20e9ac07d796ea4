"""The OpenAPI document is true of the running app whatever it is sent."""

from typing import Any

import pytest
from hearback_devkit.openapi import assert_conforms
from hearback_devkit.testing import served

KNOWN = {"organization": "demo", "project": "web", "rule_id": "1", "submission_id": "a" * 32}


@pytest.mark.timeout(240)
async def test_answers_conform(api: Any) -> None:
    headers = {"Authorization": api.client.headers["Authorization"]}
    async with served(api.app, is_started=True) as url:
        secret = api.app.state.state.settings.secret_key.get_secret_value()
        document = api.app.openapi()
        tried = await assert_conforms(document, url, known=KNOWN, headers=headers, secret=secret, examples=25)
    assert tried == 12
