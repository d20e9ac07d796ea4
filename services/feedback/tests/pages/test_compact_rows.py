"""Feedback stored without what columns hold twice: every answer is the same, and there is a way back."""

import re
from datetime import timedelta
from typing import Any

import pytest
from feedback.service.decide_submission import DecideSubmission
from feedback.service.judge_spam import LocalJudge, load_prior
from feedback.service.reprocess_feedback import reprocess_feedback
from feedback.store.tables import FEEDBACK
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.reprocessing import Reprocessing
from sqlalchemy import select

from ..conftest import NOW, Api, Intake, Recorded, payload, submitted
from .conftest import Browser

PAGE = {"url": "https://shop.example/cart"}
ADA = {"name": "Ada", "contact_email": "ada@example.com"}
FORMS: dict[str, dict[str, Any]] = {
    "a few words": payload(),
    "the widget": payload(
        "The export button does nothing",
        feedback={**ADA, **PAGE, "source": "widget", "replay_id": "a" * 32},
        contexts={"trace": {"trace_id": "b" * 32}, "culture": {"locale": "de-AT"}, "os": {"name": "Linux"}},
        request={**PAGE, "headers": {"Referer": "https://shop.example/", "User-Agent": "x"}},
        user={"id": 7, "email": " other@example.com ", "username": "ada", "geo": {"city": "Wien"}},
        tags={"plan": "free", "user.email": "third@example.com"},
        sdk={"name": "sentry.javascript.browser", "version": "10", "packages": [{"name": "p"}]},
        release="web@1", dist="5", platform="javascript", level="warning", environment="staging",
        breadcrumbs=[{"message": "clicked"}], extra={"cart": [1, 2.5]}, transaction="/cart",
    ),
    "an error": payload("It broke", feedback={"associated_event_id": "c" * 32, "name": " Ada "}, release="web@1"),
    "a page of the request": payload(request=PAGE, tags=[["a", "b"], {"key": "c", "value": "d"}]),
    "a page of the form": payload(feedback=PAGE, request={"method": "GET"}),
    "nulls": payload(
        feedback={"url": None, "name": None}, request={"url": None}, user={"id": None}, sdk={"name": None}
    ),
    "other types": payload(
        feedback={"url": 5, "name": True, "own": {}}, user={"id": 5, "username": 1.5}, sdk={"name": 3}
    ),
    "long texts": payload(
        feedback={"url": "u" * 11_000, "name": "n" * 11_000}, platform="p" * 11_000, dist="d" * 11_000
    ),
    "characters": payload("Ü\u0000 \U0001f600 <b>", feedback={"name": "\u0000é"}, tags={"clé": "ü\u0000"}),
}  # fmt: skip
SOURCES = (*FeedbackSource,)
CSRF_TOKEN = re.compile(r"[\w-]{86}")


async def raw(intake: Intake) -> list[dict[str, Any]]:
    async with intake.database.connection() as connection:
        found = await connection.execute(select(FEEDBACK).order_by(FEEDBACK.c.id))
        return [dict(row) for row in found.mappings()]


async def reprocess(intake: Intake, *, compact_rows: bool) -> tuple[dict[str, int], Recorded]:
    decide = DecideSubmission(intake.configuration, intake.settings, LocalJudge(intake.database, load_prior()))
    wanted = Reprocessing(start=NOW - timedelta(days=1), end=NOW + timedelta(days=1))
    counts, _ = await reprocess_feedback(intake.unit_of_work, decide, wanted, compact_rows=compact_rows)
    return counts, await intake.recorded()


async def answers(api: Api, browser: Browser) -> dict[str, str]:
    """Everything that shows the stored feedback, by address."""
    organization, found = "/api/0/organizations/demo", {}
    listed = f"{organization}/issues/?query=issue.category:feedback"
    paths = [listed, f"{listed}&format=csv", f"{listed}&format=json"]
    for row in await api.list():
        issue = f"{organization}/issues/{row['id']}/"
        paths += [issue, f"{issue}events/", f"{issue}events/latest/", f"{issue}tags/"]
        page = await browser.get(feedbackSlug=f"web:{row['id']}")
        found[f"page {row['id']}"] = CSRF_TOKEN.sub("", page)
    for path in paths:
        response = await api.client.get(path)
        assert response.status_code == 200, (path, response.text)
        found[path] = response.text
    return found


async def store(intake: Intake) -> None:
    for number, body in enumerate(FORMS.values()):
        source = SOURCES[number % len(SOURCES)]
        await intake.take(submitted(body, event_id=f"{number:032x}", source=source))


async def test_every_answer_is_the_same_with_and_without(api: Api, browser: Browser) -> None:
    await store(api.intake.changed(compact_rows=True))
    compact, said = await raw(api.intake), await answers(api, browser)
    assert (await reprocess(api.intake, compact_rows=True))[0] == {"examined": 9, "changed": 0, "skipped": 0}
    counts, _ = await reprocess(api.intake, compact_rows=False)
    assert counts == {"examined": 9, "changed": 9, "skipped": 0, "event": 9, "evidence": 9}
    rows = await raw(api.intake)
    assert all("message" in row["evidence"] and "event_id" in row["event"] for row in rows), (
        "as of the release before"
    )
    assert not any("message" in row["evidence"] or "event_id" in row["event"] for row in compact)
    assert await answers(api, browser) == said
    assert (await reprocess(api.intake, compact_rows=True))[0]["changed"] == 0, "both forms are right"


@pytest.mark.parametrize("is_compact", [False, True])
async def test_a_revision_replaces_a_row_of_either_form(api: Api, browser: Browser, is_compact: bool) -> None:
    await store(api.intake.changed(compact_rows=is_compact))
    body = payload("Revised", feedback={"name": "Eve"}, request=PAGE)
    await api.intake.take(submitted(body, event_id=f"{1:032x}", revision=2))
    shown = await api.issue(f"{1:032x}")
    assert (shown["metadata"]["message"], shown["metadata"]["name"]) == ("Revised", "Eve")
    path = f"/api/0/issues/{shown['id']}/events/latest/"
    event = (await api.client.get(path)).json()
    assert (event["request"], event["contexts"]["feedback"]) == (PAGE, {"name": "Eve", "message": "Revised"})
