"""Every order in which a report and its event can come: exactly one feedback, rightly linked (issue 3, 1)."""

import asyncio
from typing import Any

import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_kit.ids import derived_id, random_id

ERROR, FEEDBACK = int(DataCategory.ERROR), int(DataCategory.FEEDBACK)
ENVELOPE = FeedbackSource.USER_REPORT_ENVELOPE
MODAL = FeedbackSource.CRASH_REPORT_EMBED_FORM
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
    ("modal first", "modal event", [MODAL], "It broke"),
    ("modal with an old event", "event +2h modal", [MODAL], "It broke"),
    ("modal replaces after an hour", "event modal +60m modal:More", [MODAL] * 2, "More"),
    ("modal replaces an envelope's", "event report +10m modal:More", [ENVELOPE, MODAL], "More"),
    ("posted report keeps its source", "posted event", [POSTED], "It broke"),
]


async def perform(bench: Any, script: str, event_id: str) -> None:
    ways = {"report": ENVELOPE, "modal": MODAL, "posted": POSTED}
    for step in script.split():
        name, _, word = step.partition(":")
        if name.startswith("+"):
            amount = int(name[1:-1])
            bench.clock.move(**({"hours": amount} if name.endswith("h") else {"minutes": amount}))
        elif name == "sweep":
            await bench.sweep()
        elif word == "silent":
            await index_silently(bench, event_id)
        elif name == "event":
            await bench.deliver(bench.event(event_id, timestamp=bench.clock.now() - minutes(word)))
        else:
            await bench.deliver(bench.report(event_id, word or "It broke", source=ways[name]))


def minutes(word: str) -> Any:
    from datetime import timedelta

    return timedelta(minutes=int(word or 0))


async def index_silently(bench: Any, event_id: str) -> None:
    """Index an event the way it would be after a fault: without having linked what waited for it."""
    await bench.execute("UPDATE reports SET group_id = 0 WHERE group_id IS NULL")
    await bench.deliver(bench.event(event_id))
    await bench.execute("UPDATE reports SET group_id = NULL WHERE group_id = 0")


@pytest.mark.parametrize(("name", "script", "sources", "comments"), ORDERINGS, ids=[o[0] for o in ORDERINGS])
async def test_every_ordering_leads_to_one_feedback(
    bench: Any, name: str, script: str, sources: list[FeedbackSource], comments: str
) -> None:
    event_id = random_id()
    await perform(bench, script, event_id)
    told = await bench.told()
    assert [feedback.source for feedback in told.feedback] == sources
    assert {feedback.event_id for feedback in told.feedback} == {derived_id(1, event_id)}
    revisions = [feedback.revision for feedback in told.feedback]
    assert revisions == sorted(set(revisions)), "each replacement carries a higher revision"
    assert told.payloads[-1]["contexts"]["feedback"]["message"] == comments
    (report,) = await bench.rows("SELECT * FROM reports")
    (group,) = await bench.rows("SELECT * FROM groups")
    (event,) = await bench.rows("SELECT * FROM events")
    assert (report.group_id, report.environment, report.comments) == (group.id, "staging", comments)
    assert event.group_id == group.id
    assert group.times_seen == 1
    assert told.counts(ERROR)[Outcome.ACCEPTED, None] == 1
    assert told.steps[-1].state is SubmissionState.LINKED or told.steps[-1].step == "duplicate_refused"


async def test_both_of_one_envelope_at_the_same_moment(bench: Any) -> None:
    """Event and report in two transactions that run at once, many times over: none is missed, none doubled."""
    ids = [random_id() for _ in range(200)]
    reports, events = bench.reports(), bench.events()

    async def save(part: list[str]) -> None:
        await reports([bench.incoming(*bench.report(event_id)) for event_id in part])

    async def index(part: list[str]) -> None:
        await events([bench.incoming(bench.event(event_id)) for event_id in part])

    parts = [ids[first : first + 10] for first in range(0, 200, 10)]
    await asyncio.gather(*(job for part in parts for job in (save(part), index(part[::-1]), bench.sweep())))
    told = await bench.told()
    assert sorted(f.submission_id for f in told.feedback) == sorted(ids)
    assert await bench.rows("SELECT 1 FROM reports WHERE group_id IS NULL") == []
    assert told.counts(ERROR) == {(Outcome.ACCEPTED, None): 200}


async def test_sweeps_and_arrivals_that_race_link_once(bench: Any) -> None:
    ids = [random_id() for _ in range(120)]
    await bench.deliver_batch([bench.report(event_id) for event_id in ids])
    for event_id in ids[:60]:
        await index_silently(bench, event_id)
    rest = [ids[first : first + 6] for first in range(60, 120, 6)]
    arrivals = [bench.deliver_batch([bench.event(event_id) for event_id in part]) for part in rest]
    results = await asyncio.gather(*(bench.sweep() for _ in range(4)), *arrivals)
    assert sum(result.linked for result in results if result is not None) == 60
    told = await bench.told()
    assert sorted(f.submission_id for f in told.feedback) == sorted(ids)
    by_source = [f.source for f in told.feedback]
    assert (by_source.count(SWEPT), by_source.count(ENVELOPE)) == (60, 60)


async def test_kill_between_any_two_leaves_all_or_nothing(bench: Any) -> None:
    """A batch that dies before its commit leaves no trace; delivered again it does everything once."""
    event_id = random_id()
    report = bench.report(event_id)
    event = bench.event(event_id)

    class Killed(Exception):
        pass

    class Dying:
        """A database whose connection is lost at the end of the transaction."""

        def __init__(self) -> None:
            self.transaction = self._transaction

        def _transaction(self) -> Any:
            from contextlib import asynccontextmanager

            @asynccontextmanager
            async def dying() -> Any:
                async with bench.database.transaction() as connection:
                    yield connection
                    raise Killed

            return dying()

    for handler, message in ((bench.reports, report), (bench.events, (event, None))):
        with pytest.raises(Killed):
            await handler(Dying())([bench.incoming(*message)])
        await handler()([bench.incoming(*message)])
        await handler()([bench.incoming(*message)])
    told = await bench.told()
    assert len(told.feedback) == 1
    assert told.counts(ERROR) == {(Outcome.ACCEPTED, None): 1}
    assert [step.step for step in told.steps] == ["waiting_for_event", "linked"]


async def test_event_of_another_project_does_not_link(bench: Any) -> None:
    event_id = random_id()
    await bench.deliver(bench.report(event_id), bench.event(event_id, project_id=2))
    await bench.sweep()
    told = await bench.told()
    assert told.feedback == []
    (row,) = await bench.rows("SELECT group_id FROM reports")
    assert row.group_id is None


async def test_event_more_than_half_an_hour_old_refuses_the_report(bench: Any) -> None:
    event_id = random_id()
    await perform(bench, "event +31m", event_id)
    report = bench.report(event_id)
    await bench.deliver(report, report)
    told = await bench.told()
    assert told.feedback == []
    assert await bench.rows("SELECT 1 FROM reports") == []
    assert told.counts(FEEDBACK) == {(Outcome.INVALID, Reason.REPORT_EVENT_TOO_OLD.value): 1}
    (step,) = told.steps
    assert (step.state, step.reason) == (SubmissionState.INVALID, "Associated event is too old")


async def test_duplicate_report_is_counted_once_and_keeps_the_fate_of_the_first(bench: Any) -> None:
    event_id = random_id()
    await perform(bench, "event report +6m", event_id)
    second = bench.report(event_id, "More")
    await bench.deliver(second, second)
    told = await bench.told()
    assert told.counts(FEEDBACK) == {(Outcome.INVALID, "Duplicate report"): 1}
    step = told.steps[-1]
    assert (step.step, step.state, step.reason) == (
        "duplicate_refused",
        SubmissionState.LINKED,
        "Duplicate report",
    )


async def test_reports_of_one_batch_follow_each_other(bench: Any) -> None:
    event_id = random_id()
    await bench.deliver(bench.event(event_id))
    first = bench.report(event_id, "One")
    bench.clock.move(minutes=1)
    second = bench.report(event_id, "Two")
    bench.clock.move(minutes=5)
    third = bench.report(event_id, "Three")
    await bench.deliver_batch([first, second, third])
    told = await bench.told()
    assert [
        (f.revision, p["contexts"]["feedback"]["message"])
        for f, p in zip(told.feedback, told.payloads, strict=True)
    ] == [
        (0, "One"),
        (1, "Two"),
    ]
    assert told.counts(FEEDBACK) == {(Outcome.INVALID, "Duplicate report"): 1}


@pytest.mark.parametrize("report_first", [True, False])
async def test_suspicions_of_the_form_travel_on(bench: Any, report_first: bool) -> None:
    event_id = random_id()
    report = bench.report(event_id, source=MODAL, marks=("honeypot", "too_fast"))
    await bench.deliver(*([report, bench.event(event_id)] if report_first else [bench.event(event_id), report]))
    (feedback,) = (await bench.told()).feedback
    assert feedback.marks == ("honeypot", "too_fast")


async def test_older_report_that_comes_later_changes_nothing(bench: Any) -> None:
    event_id = random_id()
    await bench.deliver(bench.event(event_id))
    first = bench.report(event_id, "One")
    bench.clock.move(minutes=1)
    second = bench.report(event_id, "Two")
    await bench.deliver(second, first, second)
    told = await bench.told()
    assert [p["contexts"]["feedback"]["message"] for p in told.payloads] == ["Two"]


async def test_events_of_one_batch_count_once_each(bench: Any) -> None:
    event_id = random_id()
    again, other = bench.event(event_id), bench.event()
    await bench.deliver_batch([bench.event(event_id), again, again, other])
    await bench.deliver(again)
    told = await bench.told()
    assert told.counts(ERROR) == {(Outcome.ACCEPTED, None): 2, (Outcome.INVALID, "duplicate"): 1}
    (group,) = await bench.rows("SELECT times_seen FROM groups")
    assert group.times_seen == 2


async def test_event_in_another_week_is_still_the_same_event(bench: Any) -> None:
    event_id = random_id()
    await bench.deliver(bench.event(event_id))
    bench.clock.move(days=9)
    await bench.deliver(bench.event(event_id))
    assert len(await bench.rows("SELECT 1 FROM events")) == 1
    assert (await bench.told()).counts(ERROR)[Outcome.INVALID, "duplicate"] == 1


async def test_event_without_environment_links_to_the_empty_one(bench: Any) -> None:
    event_id = random_id()
    await bench.deliver(bench.event(event_id, environment=None), bench.report(event_id))
    (row,) = await bench.rows("SELECT environment FROM reports")
    assert row.environment == ""
    assert "environment" not in (await bench.told()).payloads[0]


async def test_event_with_awkward_text_is_indexed(bench: Any) -> None:
    event_id = random_id()
    odd = "a\\u0000 \"quoted\" 'single' \\ back \n line \U0001f600"
    await bench.deliver(
        bench.event(
            event_id, message=odd, tags={"key\x00": "nul\x00value"}, user={"name": "\x00"}, environment="e\x00"
        ),
        bench.report(event_id),
    )
    (row,) = await bench.rows("SELECT message, tags, environment FROM events")
    assert row.message == odd
    assert row.tags == {"key": "nulvalue"}
    assert len((await bench.told()).feedback) == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"event_id": "x", "comments": "a"}, Reason.REPORT_INVALID_EVENT_ID),
        ({"event_id": "0" * 32}, Reason.REPORT_MISSING_COMMENTS),
        ({"comments": "a"}, Reason.REPORT_MISSING_EVENT_ID),
        ({"event_id": "0" * 32, "comments": "a" * 4097}, Reason.REPORT_MESSAGE_TOO_LARGE),
        ([], Reason.INVALID_JSON),
    ],
)
async def test_invalid_report_is_refused_with_its_reason_once(bench: Any, payload: Any, reason: Reason) -> None:
    message = bench.report("", payload=payload)
    without_id = (message[0].model_copy(update={"event_id": None}), message[1])
    await bench.deliver(without_id, without_id)
    told = await bench.told()
    assert told.counts(FEEDBACK) == {(Outcome.INVALID, reason.value): 1}
    assert [(s.state, s.reason) for s in told.steps] == [(SubmissionState.INVALID, reason.value)]


async def test_ids_of_the_envelope_hold_over_the_payload(bench: Any) -> None:
    event_id, other = random_id(), random_id()
    await bench.deliver(bench.event(event_id))
    await bench.deliver(bench.report(event_id, payload={"event_id": other, "comments": "x\x00y"}))
    (row,) = await bench.rows("SELECT event_id, comments FROM reports")
    assert (row.event_id.hex, row.comments) == (event_id, "xy")


async def test_switched_off_ingestion_refuses_with_a_reason(bench: Any, redis: Any) -> None:
    from hearback_fleet.testing import publish_project

    await publish_project(redis, project_id=5, features={"organizations:user-feedback-ingest": False})
    await bench.deliver(bench.report(random_id(), project_id=5))
    told = await bench.told()
    assert told.counts(FEEDBACK) == {(Outcome.INVALID, "feature_disabled"): 1}
    assert told.steps[0].state is SubmissionState.INVALID


async def test_denied_organization_is_filtered(bench: Any) -> None:
    waiting, modal = random_id(), random_id()
    await bench.deliver(
        bench.report(waiting, project_id=4, organization_id=4),
        bench.report(modal, project_id=4, organization_id=4, source=MODAL),
        bench.event(modal, project_id=4, organization_id=4),
    )
    told = await bench.told()
    assert told.feedback == []
    assert told.counts(FEEDBACK) == {(Outcome.FILTERED, "org.denylist"): 2}
    assert [s.state for s in told.steps if s.submission_id == modal][-1] is SubmissionState.FILTERED


async def test_garbage_is_refused_only_where_a_project_asks_for_it(bench: Any, redis: Any) -> None:
    from hearback_fleet.testing import publish_project

    await publish_project(redis, project_id=6, options={"feedback:filter_garbage_messages": True})
    await bench.deliver(bench.report(random_id(), " "), bench.report(random_id(), " ", project_id=6))
    told = await bench.told()
    assert told.counts(FEEDBACK) == {(Outcome.INVALID, "Empty Feedback Messsage"): 1}
    assert len(await bench.rows("SELECT 1 FROM reports")) == 1


async def test_resolved_group_opens_again_and_ignored_stays(bench: Any) -> None:
    await bench.deliver(bench.event())
    await bench.execute("UPDATE groups SET status = 'resolved', status_at = now() - interval '10 years'")
    bench.clock.move(minutes=1)
    await bench.deliver(bench.event())
    assert [r.status for r in await bench.rows("SELECT status FROM groups")] == ["unresolved"]
    await bench.execute("UPDATE groups SET status = 'ignored'")
    await bench.deliver(bench.event())
    (group,) = await bench.rows("SELECT status, times_seen, id FROM groups")
    assert (group.status, group.times_seen, group.id) == ("ignored", 3, 1)


async def test_groups_take_odd_ids_one_after_the_other(bench: Any) -> None:
    for word in ("one", "two", "one", "three"):
        await bench.deliver(bench.event(message=word))
    assert [row.id for row in await bench.rows("SELECT id FROM groups ORDER BY id")] == [1, 3, 5]
