"""An event's address, as mails and webhooks have it, leads to its issue."""

from typing import Any

import pytest
from hearback_kit.values.ids import random_id

EVENTS = "/organizations/demo/projects/web/events"


@pytest.mark.parametrize("form", ["{0}", "{1}"])
async def test_an_event_leads_to_its_issue(harness: Any, browser: Any, linked: Any, form: str) -> None:
    error, feedback = random_id(), random_id()
    await harness.deliver(harness.event(error))
    linked.events[1, feedback] = {"groupId": "12"}
    for event_id, issue in ((error, "1"), (feedback, "12")):
        dashed = "-".join((event_id[:8], event_id[8:12], event_id[12:16], event_id[16:20], event_id[20:]))
        answer = await browser.client.get(f"{EVENTS}/{form.format(event_id, dashed)}/")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/organizations/demo/issues/{issue}/"


@pytest.mark.parametrize(
    "path",
    [f"{EVENTS}/{'a' * 32}/", f"{EVENTS}/none/", f"/organizations/demo/projects/no-such/events/{'a' * 32}/"],
)
async def test_what_has_not_arrived_leads_nowhere(browser: Any, path: str) -> None:
    assert (await browser.client.get(path)).status_code == 404
