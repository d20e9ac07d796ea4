"""Every order in which a report and its event can come: exactly one feedback, rightly linked."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.fleet import publish_project
from hearback_kit.values.ids import derived_id, random_id

ERROR, FEEDBACK = int(DataCategory.ERROR), int(DataCategory.FEEDBACK)
ENVELOPE = FeedbackSource.USER_REPORT_ENVELOPE
DIALOG = FeedbackSource.CRASH_REPORT_EMBED_FORM
POSTED = FeedbackSource.USER_REPORT_DJANGO_ENDPOINT
SWEPT = FeedbackSource.UPDATE_USER_REPORTS_TASK

# A script is a list of steps: `report` and `event` deliver (a word after a colon says what is special),
# `+5m` moves the clock, `sweep` sweeps, `lose` removes the link that an arrival made, as a kill would.
ORDERINGS: list[tuple[str, str, list[FeedbackSource], str]] = [
    ("event first", "event report", [ENVELOPE], "It broke"),
    ("report first", "report event", [ENVELOPE], "It broke"),
    ("report first, event hours later", "report +5h event", [ENVELOPE], "It broke"),
    ("event twice", "event event report", [ENVELOPE], "It broke"),
    ("event twice around the report", "event report event", [ENVELOPE], "It broke"),
    ("waiting report, event twice", "report event event", [ENVELOPE], "It broke"),
    ("report twice within 5 minutes", "event report +4m report:More", [ENVELOPE] * 2, "More"),
    ("report twice outside 5 minutes", "event report +6m report:More", [ENVELOPE], "It broke"),
    ("two waiting reports, then event", "report +4m report:More event", [ENVELOPE], "More"),
    ("late second waiting report", "report +6m report:More event", [ENVELOPE], "It broke"),
    ("event 29 minutes old", "event +29m report", [ENVELOPE], "It broke"),
    ("event 31 minutes old, report waited", "report event:31", [ENVELOPE], "It broke"),
    ("sweep after arrival", "report event sweep sweep", [ENVELOPE], "It broke"),
    ("sweep instead of arrival", "report event:silent sweep", [SWEPT], "It broke"),
    ("sweep, then the event again", "report event:silent sweep event sweep", [SWEPT], "It broke"),
    ("dialog first", "dialog event", [DIALOG], "It broke"),
    ("dialog with an old event", "event +2h dialog", [DIALOG], "It broke"),
    ("dialog replaces after an hour", "event dialog +60m dialog:More", [DIALOG] * 2, "More"),
    ("dialog replaces an envelope's", "event report +10m dialog:More", [ENVELOPE, DIALOG], "More"),
    ("posted report keeps its source", "posted event", [POSTED], "It broke"),
]


async def perform(harness: Any, script: str, event_id: str) -> None:
    ways = {"report": ENVELOPE, "dialog": DIALOG, "posted": POSTED}
    for step in script.split():
        name, _, word = step.partition(":")
        if name.startswith("+"):
            amount = int(name[1:-1])
            harness.clock.move(**({"hours": amount} if name.endswith("h") else {"minutes": amount}))
        elif name == "sweep":
            await harness.sweep()
        elif word == "silent":
            await harness.index_silently(event_id)
        elif name == "event":
            await harness.deliver(harness.event(event_id, timestamp=harness.clock.now() - minutes(word)))
        else:
            await harness.deliver(harness.report(event_id, word or "It broke", source=ways[name]))


def minutes(word: str) -> Any:
    return timedelta(minutes=int(word or 0))


@pytest.mark.parametrize(("name", "script", "sources", "comments"), ORDERINGS, ids=[o[0] for o in ORDERINGS])
async def test_every_ordering_leads_to_one_feedback(
    harness: Any, name: str, script: str, sources: list[FeedbackSource], comments: str
) -> None:
    event_id = random_id()
    await perform(harness, script, event_id)
    recorded = await harness.recorded()
    assert [feedback.source for feedback in recorded.feedback] == sources
    assert {feedback.event_id for feedback in recorded.feedback} == {derived_id(1, event_id)}
    revisions = [feedback.revision for feedback in recorded.feedback]
    assert revisions == sorted(set(revisions)), "each replacement carries a higher revision"
    assert recorded.payloads[-1]["contexts"]["feedback"]["message"] == comments
    (report,) = await harness.rows("SELECT * FROM reports")
    (group,) = await harness.rows("SELECT * FROM groups")
    (event,) = await harness.rows("SELECT * FROM events")
    assert (report.group_id, report.environment, report.comments) == (group.id, "staging", comments)
    assert event.group_id == group.id
    assert group.times_seen == 1
    assert recorded.counts(ERROR)[Outcome.ACCEPTED, None] == 1
    assert recorded.steps[-1].state is SubmissionState.LINKED or recorded.steps[-1].step == "duplicate_refused"


async def test_both_of_one_envelope_at_the_same_moment(harness: Any) -> None:
    """Event and report in two transactions that run at once, many times over: none is missed, none doubled."""
    ids = [random_id() for _ in range(200)]
    reports, events = harness.reports(), harness.events()

    async def save(part: list[str]) -> None:
        await reports([harness.incoming(*harness.report(event_id)) for event_id in part])

    async def index(part: list[str]) -> None:
        await events([harness.incoming(harness.event(event_id)) for event_id in part])

    parts = [ids[first : first + 10] for first in range(0, 200, 10)]
    await asyncio.gather(*(job for part in parts for job in (save(part), index(part[::-1]), harness.sweep())))
    recorded = await harness.recorded()
    assert sorted(f.submission_id for f in recorded.feedback) == sorted(ids)
    assert await harness.rows("SELECT 1 FROM reports WHERE group_id IS NULL") == []
    assert recorded.counts(ERROR) == {(Outcome.ACCEPTED, None): 200}


async def test_sweeps_and_arrivals_that_race_link_once(harness: Any) -> None:
    ids = [random_id() for _ in range(120)]
    await harness.deliver_batch([harness.report(event_id) for event_id in ids])
    await harness.index_silently(*ids[:60])
    rest = [ids[first : first + 6] for first in range(60, 120, 6)]
    arrivals = [harness.deliver_batch([harness.event(event_id) for event_id in part]) for part in rest]
    results = await asyncio.gather(*(harness.sweep() for _ in range(4)), *arrivals)
    assert sum(result.linked for result in results if result is not None) == 60
    recorded = await harness.recorded()
    assert sorted(f.submission_id for f in recorded.feedback) == sorted(ids)
    by_source = [f.source for f in recorded.feedback]
    assert (by_source.count(SWEPT), by_source.count(ENVELOPE)) == (60, 60)


async def test_kill_between_any_two_leaves_all_or_nothing(harness: Any, event_id: str) -> None:
    """A batch that dies before its commit leaves no trace; delivered again it does everything once."""
    report = harness.report(event_id)
    event = harness.event(event_id)

    class Killed(Exception):
        pass

    class Dying:
        """A database whose connection is lost at the end of the transaction."""

        @asynccontextmanager
        async def transaction(self) -> Any:
            async with harness.database.transaction() as connection:
                yield connection
                raise Killed

    for handler, message in ((harness.reports, report), (harness.events, (event, None))):
        with pytest.raises(Killed):
            await handler(Dying())([harness.incoming(*message)])
        await handler()([harness.incoming(*message)])
        await handler()([harness.incoming(*message)])
    recorded = await harness.recorded()
    assert len(recorded.feedback) == 1
    assert recorded.counts(ERROR) == {(Outcome.ACCEPTED, None): 1}
    assert [step.step for step in recorded.steps] == ["waiting_for_event", "linked"]


async def test_event_of_another_project_does_not_link(harness: Any, event_id: str) -> None:
    await harness.deliver(harness.report(event_id), harness.event(event_id, project_id=2))
    await harness.sweep()
    recorded = await harness.recorded()
    assert recorded.feedback == []
    (row,) = await harness.rows("SELECT group_id FROM reports")
    assert row.group_id is None


async def test_event_more_than_half_an_hour_old_refuses_the_report(harness: Any, event_id: str) -> None:
    await perform(harness, "event +31m", event_id)
    report = harness.report(event_id)
    await harness.deliver(report, report)
    recorded = await harness.recorded()
    assert recorded.feedback == []
    assert await harness.rows("SELECT 1 FROM reports") == []
    assert recorded.counts(FEEDBACK) == {(Outcome.INVALID, Reason.REPORT_EVENT_TOO_OLD.value): 1}
    (step,) = recorded.steps
    assert (step.state, step.reason) == (SubmissionState.INVALID, "Associated event is too old")


async def test_a_duplicate_is_counted_once_and_keeps_the_fate_of_the_first(harness: Any, event_id: str) -> None:
    await perform(harness, "event report +6m", event_id)
    second = harness.report(event_id, "More")
    await harness.deliver(second, second)
    recorded = await harness.recorded()
    assert recorded.counts(FEEDBACK) == {(Outcome.INVALID, "Duplicate report"): 1}
    step = recorded.steps[-1]
    assert (step.step, step.state) == ("duplicate_refused", SubmissionState.LINKED)
    assert step.reason == "Duplicate report"


async def test_reports_of_one_batch_follow_each_other(harness: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id))
    first = harness.report(event_id, "One")
    harness.clock.move(minutes=1)
    second = harness.report(event_id, "Two")
    harness.clock.move(minutes=5)
    third = harness.report(event_id, "Three")
    await harness.deliver_batch([first, second, third])
    recorded = await harness.recorded()
    assert [feedback.revision for feedback in recorded.feedback] == [0, 1]
    assert [p["contexts"]["feedback"]["message"] for p in recorded.payloads] == ["One", "Two"]
    assert recorded.counts(FEEDBACK) == {(Outcome.INVALID, "Duplicate report"): 1}


@pytest.mark.parametrize("report_first", [True, False])
async def test_suspicions_of_the_form_travel_on(harness: Any, report_first: bool, event_id: str) -> None:
    report = harness.report(event_id, source=DIALOG, marks=("honeypot", "too_fast"))
    both = [harness.event(event_id), report]
    await harness.deliver(*(both[::-1] if report_first else both))
    (feedback,) = (await harness.recorded()).feedback
    assert feedback.marks == ("honeypot", "too_fast")


async def test_older_report_that_comes_later_changes_nothing(harness: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id))
    first = harness.report(event_id, "One")
    harness.clock.move(minutes=1)
    second = harness.report(event_id, "Two")
    await harness.deliver(second, first, second)
    recorded = await harness.recorded()
    assert [p["contexts"]["feedback"]["message"] for p in recorded.payloads] == ["Two"]


async def test_events_of_one_batch_count_once_each(harness: Any, event_id: str) -> None:
    again, other = harness.event(event_id), harness.event()
    await harness.deliver_batch([harness.event(event_id), again, again, other])
    await harness.deliver(again)
    recorded = await harness.recorded()
    assert recorded.counts(ERROR) == {(Outcome.ACCEPTED, None): 2, (Outcome.INVALID, "duplicate"): 1}
    (group,) = await harness.rows("SELECT times_seen FROM groups")
    assert group.times_seen == 2


async def test_event_in_another_week_is_still_the_same_event(harness: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id))
    harness.clock.move(days=9)
    await harness.deliver(harness.event(event_id))
    assert len(await harness.rows("SELECT 1 FROM events")) == 1
    assert (await harness.recorded()).counts(ERROR)[Outcome.INVALID, "duplicate"] == 1


async def test_event_without_environment_links_to_the_empty_one(harness: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id, environment=None), harness.report(event_id))
    (row,) = await harness.rows("SELECT environment FROM reports")
    assert row.environment == ""
    assert "environment" not in (await harness.recorded()).payloads[0]


async def test_event_with_awkward_text_is_indexed(harness: Any, event_id: str) -> None:
    odd = "a\\u0000 \"quoted\" 'single' \\ back \n line \U0001f600"
    fields = {"tags": {"key\x00": "nul\x00value"}, "user": {"name": "\x00"}, "environment": "e\x00"}
    await harness.deliver(harness.event(event_id, message=odd, **fields), harness.report(event_id))
    (row,) = await harness.rows("SELECT message, tags, environment FROM events")
    assert row.message == odd
    assert row.tags == {"key": "nulvalue"}
    assert len((await harness.recorded()).feedback) == 1


HUGE = int("9" * 40)


@pytest.mark.parametrize(
    "fields",
    [
        {"sent_at": datetime(1, 1, 1, tzinfo=UTC), "timestamp": datetime(9999, 12, 31, tzinfo=UTC)},
        {"sent_at": datetime(9999, 12, 31, tzinfo=UTC), "timestamp": datetime(1, 1, 1, tzinfo=UTC)},
        {"trace": {"trace_id": HUGE}},
        {"trace": {"trace_id": [[[[[[[[[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]]]]]]]]}},
        {"user": {"email": "".join(random_id() for _ in range(300))}},
    ],
)
async def test_no_event_is_poison(harness: Any, fields: dict[str, Any], event_id: str) -> None:
    anonymous = harness.report(event_id, payload={"event_id": event_id, "comments": "x"})
    await harness.deliver(harness.event(event_id, **fields), anonymous)
    (feedback,) = (await harness.recorded()).feedback
    assert feedback.submission_id == event_id


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"event_id": "x", "comments": "a"}, Reason.REPORT_INVALID_EVENT_ID),
        ({}, Reason.REPORT_MISSING_EVENT_ID),
        ({"comments": "a"}, Reason.REPORT_MISSING_EVENT_ID),
        ({"event_id": "a" * 32, "comments": "a" * 4097}, Reason.REPORT_MESSAGE_TOO_LARGE),
        ([], Reason.INVALID_JSON),
    ],
)
async def test_invalid_report_is_refused_with_its_reason_once(harness: Any, payload: Any, reason: Reason) -> None:
    message = harness.report("", payload=payload)
    without_id = (message[0].model_copy(update={"event_id": None}), message[1])
    await harness.deliver(without_id, without_id)
    recorded = await harness.recorded()
    assert recorded.counts(FEEDBACK) == {(Outcome.INVALID, reason.value): 1}
    assert [(s.state, s.reason) for s in recorded.steps] == [(SubmissionState.INVALID, reason.value)]


async def test_a_report_is_about_the_event_that_its_payload_names(harness: Any) -> None:
    event_id, other = random_id(), random_id()
    await harness.deliver(harness.report(other, payload={"event_id": event_id, "comments": "x\x00y"}))
    await harness.deliver(harness.report(other, payload={"event_id": "nonsense", "comments": "header"}))
    rows = await harness.rows("SELECT event_id, comments FROM reports ORDER BY id")
    assert [(row.event_id.hex, row.comments) for row in rows] == [(event_id, "xy"), (other, "header")]


async def test_switched_off_ingestion_refuses_with_a_reason(harness: Any, redis: Any) -> None:
    await publish_project(redis, project_id=5, features={"organizations:user-feedback-ingest": False})
    await harness.deliver(harness.report(random_id(), project_id=5))
    recorded = await harness.recorded()
    assert recorded.counts(FEEDBACK) == {(Outcome.INVALID, "feature_disabled"): 1}
    assert recorded.steps[0].state is SubmissionState.INVALID


async def test_denied_organization_is_filtered(harness: Any) -> None:
    waiting, dialog = random_id(), random_id()
    await harness.deliver(
        harness.report(waiting, project_id=4, organization_id=4),
        harness.report(dialog, project_id=4, organization_id=4, source=DIALOG),
        harness.event(dialog, project_id=4, organization_id=4),
    )
    recorded = await harness.recorded()
    assert recorded.feedback == []
    assert recorded.counts(FEEDBACK) == {(Outcome.FILTERED, "org.denylist"): 2}
    assert [s.state for s in recorded.steps if s.submission_id == dialog][-1] is SubmissionState.FILTERED


async def test_garbage_is_refused_only_where_a_project_asks_for_it(harness: Any, redis: Any) -> None:
    await publish_project(redis, project_id=6, options={"feedback:filter_garbage_messages": True})
    await harness.deliver(harness.report(random_id(), " "), harness.report(random_id(), " ", project_id=6))
    recorded = await harness.recorded()
    assert recorded.counts(FEEDBACK) == {(Outcome.INVALID, "Empty Feedback Messsage"): 1}
    assert len(await harness.rows("SELECT 1 FROM reports")) == 1


async def test_resolved_group_opens_again_and_ignored_stays(harness: Any) -> None:
    await harness.deliver(harness.event())
    await harness.execute("UPDATE groups SET status = 'resolved', status_at = now() - interval '10 years'")
    harness.clock.move(minutes=1)
    await harness.deliver(harness.event())
    assert [r.status for r in await harness.rows("SELECT status FROM groups")] == ["unresolved"]
    await harness.execute("UPDATE groups SET status = 'ignored'")
    await harness.deliver(harness.event())
    (group,) = await harness.rows("SELECT status, times_seen, id FROM groups")
    assert (group.status, group.times_seen, group.id) == ("ignored", 3, 1)


async def test_groups_take_odd_ids_one_after_the_other(harness: Any) -> None:
    for word in ("one", "two", "one", "three"):
        await harness.deliver(harness.event(message=word))
    assert [row.id for row in await harness.rows("SELECT id FROM groups ORDER BY id")] == [1, 3, 5]
