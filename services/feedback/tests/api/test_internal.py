"""What other services ask: feedback by event id and by short id, in signed calls."""

from typing import Any

import pytest
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.fleet import call_signed, publish_project
from hearback_kit.bus.read_barrier import ReadBarrier

from ..conftest import EVENT, Api

ORGANIZATION = "/internal/organizations/1"


async def ask(api: Api, path: str, *, secret: str = "", body: Any = None) -> Any:
    given = secret or api.intake.settings.secret_key
    return await call_signed(api.client, path, body, secret=given, service="user-reports")


async def test_feedback_is_found_by_event_and_by_short_id(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=2)
    await api.submit("hit", event_id=EVENT)
    [row] = await api.list()
    for path in (f"/events/{EVENT}", f"/events/{EVENT.upper()}?project_id=1", "/shortids/web-1"):
        found = (await ask(api, ORGANIZATION + path)).json()
        assert (found["groupId"], found["shortId"], found["eventId"]) == (row["id"], "WEB-1", EVENT)
        assert (found["organizationSlug"], found["projectSlug"]) == ("demo", "web")
        assert found["group"] == row
        assert found["event"] == (await api.client.get(f"/api/0/issues/{row['id']}/events/latest/")).json()
    for path in (
        f"{ORGANIZATION}/events/{EVENT}?project_id=2", f"{ORGANIZATION}/events/{'f' * 32}",
        f"{ORGANIZATION}/events/x", f"{ORGANIZATION}/shortids/WEB-2", "/internal/organizations/7/shortids/WEB-1",
    ):  # fmt: skip
        assert (await ask(api, path)).status_code == 404, path


async def test_what_waits_to_be_stored_is_stored_before_an_unknown_event_is_looked_up_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def catch_up(_: ReadBarrier) -> None:
        asked.append(EVENT)
        await api.submit("late", event_id=EVENT)

    monkeypatch.setattr(ReadBarrier, "catch_up", catch_up)
    for _ in range(2):  # what is stored is answered at once
        assert (await ask(api, f"{ORGANIZATION}/events/{EVENT}")).json()["eventId"] == EVENT
    assert asked == [EVENT]


@pytest.mark.parametrize("path", [f"/events/{EVENT}", "/shortids/WEB-1"])
async def test_only_services_may_ask(api: Api, path: str) -> None:
    await api.submit("hit", event_id=EVENT)
    assert (await api.client.get(ORGANIZATION + path)).status_code == 401
    assert (await ask(api, ORGANIZATION + path, secret="another")).status_code == 401


async def test_hidden_feedback_is_not_found(api: Api, redis: Any) -> None:
    hidden = {"organizations:feedback-visible": False}
    await publish_project(redis, project_id=7, organization_id=7, features=hidden)
    await api.submit("hidden", event_id=EVENT, project_id=7, organization_id=7)
    assert (await ask(api, f"/internal/organizations/7/events/{EVENT}")).status_code == 404


async def test_new_feedback_of_error_events(api: Api, redis: Any) -> None:
    """The page of an error asks for it; reports that became feedback are on that page already."""
    await publish_project(redis, project_id=2)
    linked = {"associated_event_id": EVENT}
    await api.submit("linked", feedback=linked)
    await api.submit("a report", feedback=linked, source=FeedbackSource.USER_REPORT_ENVELOPE)
    await api.submit("of another project", project_id=2, feedback=linked)
    await api.submit("of another error", feedback={"associated_event_id": "f" * 32})
    path = f"{ORGANIZATION}/feedback/linked"
    for ids in ([EVENT], ["a" * 32, EVENT.upper(), "x"]):
        found = (await ask(api, path, body={"project_id": 1, "event_ids": ids})).json()
        assert [row["metadata"]["message"] for row in found] == ["linked"]
    for body in ({"project_id": 1, "event_ids": []}, {"project_id": 7, "event_ids": [EVENT]}):
        assert (await ask(api, path, body=body)).json() == []
    assert (await ask(api, path, body={"project_id": 1, "event_ids": ["x"] * 1_001})).status_code == 400
    assert (await ask(api, path, body={"project_id": 1, "event_ids": []}, secret="another")).status_code == 401
