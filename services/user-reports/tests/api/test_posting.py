"""POST …/user-feedback/ (reference: feedback-backend 4.4)."""

from typing import Any

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.testing import public_key
from hearback_kit.ids import random_id

PATH = "/api/0/projects/demo/web/user-feedback/"
FEEDBACK = int(DataCategory.FEEDBACK)


def body(event_id: str, **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "name": "Grace", "email": "grace@example.com", "comments": "It broke", **fields}


def dsn(project: int = 1, key: int | None = None) -> dict[str, str]:
    return {"Authorization": f"DSN http://{public_key(key or project)}@localhost:8000/{project}"}


async def test_token_gets_the_report_with_its_issue(bench, api) -> None:
    event_id = random_id()
    await bench.deliver(bench.event(event_id, message="checkout failed"))
    response = await api.post(PATH, json=body(event_id))
    assert response.status_code == 200
    report = response.json()
    assert report["eventID"] == event_id
    assert report["event"] == {"id": event_id, "eventID": event_id}
    assert (report["name"], report["email"], report["comments"]) == ("Grace", "grace@example.com", "It broke")
    assert report["user"]["email"] == "ada@example.com"
    assert report["user"]["ipAddress"] is None
    assert int(report["issue"]["id"]) % 2 == 1
    assert report["issue"]["title"] == "checkout failed"
    told = await bench.told()
    assert [f.source for f in told.feedback] == [FeedbackSource.USER_REPORT_DJANGO_ENDPOINT]
    assert [(s.step, s.state) for s in told.steps] == [
        ("report_received", SubmissionState.ACCEPTED),
        ("linked", SubmissionState.LINKED),
    ]


async def test_dsn_gets_an_empty_body(bench, api) -> None:
    response = await api.post(PATH, json=body(random_id()), headers=dsn())
    assert (response.status_code, response.content) == (200, b"")
    (row,) = await bench.rows("SELECT key_id, source FROM reports")
    assert (row.key_id, row.source) == (1, "user_report_sentry_django_endpoint")
