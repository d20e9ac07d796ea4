"""What a report on the stream adds to the counters: each rule of validity, and what becomes of the rest."""

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from client_reports.consumers.client_report_received import ClientReportReceivedHandler
from client_reports.domain.client_report import CAUSES
from hearback_contracts.categories import DataCategory
from hearback_contracts.config import ProjectConfig
from hearback_contracts.events import ClientReportReceived
from hearback_contracts.outcomes import Outcome
from hearback_contracts.streams import CLIENT_REPORT_RECEIVED
from hearback_devkit.fleet import as_incoming
from hearback_devkit.testing import recorded
from hearback_fleet.messages import outgoing
from hearback_kit.bus import Incoming
from hearback_kit.values.ids import new_id

ENTRY = {"reason": "queue_overflow", "category": "error", "quantity": 23}
DAY = timedelta(days=1)


class Bench:
    """Handles reports as the worker does and looks at what was counted."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.now: datetime = store.clock.now()
        self.options: dict[str, Any] = {}

    async def find_project(self, project_id: int) -> ProjectConfig | None:
        return ProjectConfig(
            id=project_id,
            slug="web",
            name="Web",
            organization_id=1,
            organization_slug="demo",
            options=self.options,
        )

    async def handle(self, body: bytes | None, **fields: Any) -> None:
        message = ClientReportReceived(
            id=new_id(), occurred_at=self.now, project_id=1, organization_id=1, key_id=3, received_at=self.now,
            sdk="sentry.x/1", **fields,
        )  # fmt: skip
        handler = ClientReportReceivedHandler(self.store.recorder(), self.find_project, report_days_max=90)
        await handler([as_incoming(outgoing(CLIENT_REPORT_RECEIVED, message, 1, body=body))])

    async def report(self, timestamp: object = None, sent_at: datetime | None = None, **lists: Any) -> None:
        payload = {"discarded_events": [ENTRY], **lists}
        if timestamp is not None:
            payload["timestamp"] = timestamp
        await self.handle(orjson.dumps(payload), sent_at=sent_at)

    async def counted(self) -> list[tuple[str, str | None, str, int]]:
        statement = "SELECT outcome, reason, category, quantity FROM counter_minutes ORDER BY quantity"
        rows = await self.store.rows(statement)
        return [(str(Outcome(o)), reason, str(DataCategory(c)), int(quantity)) for o, reason, c, quantity in rows]

    async def days(self) -> list[str]:
        """The reasons that the counters by the day hold, however old they are."""
        return [reason for (reason,) in await self.store.rows("SELECT reason FROM counter_days")]

    async def fates(self) -> list[tuple[str, str]]:
        """The states and reasons that the journal holds."""
        return list(await self.store.rows("SELECT state, reason FROM submission"))


@pytest.fixture
def bench(store: Any) -> Bench:
    return Bench(store)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (None, "not_an_object"),
        (b"", "not_an_object"),
        (b"nonsense", "not_an_object"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"discarded_events":[]} {}', "not_an_object"),
        (b'{"discarded_events":' + b"[" * 2_000 + b"]" * 2_000 + b"}", "not_an_object"),
        (b"{}", "no_discarded_events"),
        (b'{"discarded_events":[["x","error",18446744073709551616]]}', "bad_quantity"),
        (b'{"discarded_events":[["x","error",1e2]]}', "bad_quantity"),
        (b'{"discarded_events":[["x","error",1],["x","error",-1]]}', "bad_quantity"),
        (b'{"discarded_events":[["x","error",1]],"timestamp":"yesterday"}', "bad_timestamp"),
    ],
)
async def test_an_invalid_report_has_an_outcome_and_a_fate(bench: Bench, body: Any, cause: str) -> None:
    before = recorded("client_reports_reports_invalid_total", cause=cause)
    await bench.handle(body)
    reason = str(CAUSES[cause])
    assert await bench.counted() == [("invalid", reason, "unknown", 1)]
    assert await bench.fates() == [("invalid", reason)]
    assert recorded("client_reports_reports_invalid_total", cause=cause) == before + 1


async def test_what_only_a_strict_decoder_refuses_counts(bench: Bench) -> None:
    await bench.handle(b'{"discarded_events":[["\xff","error",1]],"timestamp":NaN}')
    assert await bench.counted() == [("client_discard", "\ufffd", "error", 1)]
    assert await bench.fates() == []


async def test_every_list_and_both_forms_of_an_entry_count(bench: Bench) -> None:
    await bench.report(
        discarded_events=[ENTRY, ENTRY, ["any words, é", "user_report_v2", 2]],
        rate_limited_events=[["", "anybody", 3], ["a\x00b", "attachment", 2**64 - 1]],
        filtered_events=[["my-filter", "session", 4]],
        filtered_sampling_events=[["Sampled:7,1003", "transaction", 5], ["not sampled", "transaction", 6]],
    )
    assert await bench.fates() == [("invalid", "payload")]
    assert await bench.counted() == [
        ("invalid", "payload", "unknown", 1),
        ("client_discard", "any words, é", "feedback", 2),
        ("rate_limited", None, "unknown", 3),
        ("filtered", "my-filter", "session", 4),
        ("filtered", "Sampled:1003,0", "transaction", 5),
        ("client_discard", "queue_overflow", "error", 46),
        ("rate_limited", "ab", "attachment", 2**64 - 1),
    ]


@pytest.mark.parametrize(
    ("age", "options", "counts"),
    [
        (timedelta(seconds=-60), {}, True),
        (timedelta(seconds=-61), {}, False),
        (90 * DAY, {}, True),
        (90 * DAY + timedelta(seconds=1), {}, False),
        (7 * DAY, {"hearback:retention_days": 7}, True),
        (7 * DAY + timedelta(seconds=1), {"hearback:retention_days": 7}, False),
        (200 * DAY, {"hearback:retention_days": 365}, True),
        (90 * DAY, {"hearback:retention_days": "many"}, True),
    ],
)
async def test_the_age_of_a_report_has_bounds(
    bench: Bench, age: timedelta, options: dict[str, Any], counts: bool
) -> None:
    bench.options = options
    cause = "in_future" if age < timedelta() else "too_old"
    before = recorded("client_reports_reports_invalid_total", cause=cause)
    for timestamp in ((bench.now - age).timestamp(), (bench.now - age).isoformat()):
        await bench.report(timestamp)
    reason = "queue_overflow" if counts else {"in_future": "future_timestamp", "too_old": "past_timestamp"}[cause]
    assert await bench.days() == [reason]
    assert await bench.fates() == ([] if counts else [("invalid", reason)] * 2)
    assert recorded("client_reports_reports_invalid_total", cause=cause) == before + (0 if counts else 2)


@pytest.mark.parametrize(
    "off", [timedelta(days=-400), timedelta(minutes=-55), timedelta(hours=1), timedelta(days=400)]
)
async def test_a_wrong_clock_is_corrected(bench: Bench, off: timedelta) -> None:
    clock = bench.now + off
    await bench.report((clock - timedelta(minutes=5)).isoformat(), sent_at=clock)
    at = (bench.now - timedelta(minutes=5)).replace(second=0)
    assert await bench.store.rows("SELECT bucket FROM counter_minutes") == [(at,)]


async def test_a_report_without_a_time_counts_when_it_came(bench: Bench) -> None:
    await bench.report(sent_at=bench.now - timedelta(days=400))
    assert await bench.counted() == [("client_discard", "queue_overflow", "error", 23)]


async def test_counts_keep_their_key_and_sdk(bench: Bench) -> None:
    await bench.report()
    statement = "SELECT organization_id, project_id, key_id, sdk, times FROM counter_minutes"
    assert await bench.store.rows(statement) == [(1, 1, 3, "sentry.x/1", 1)]


async def test_what_breaks_the_message_itself_is_refused(bench: Bench) -> None:
    handler = ClientReportReceivedHandler(bench.store.recorder(), bench.find_project, report_days_max=90)
    with pytest.raises(ValueError, match="expected client-report"):
        await handler([Incoming("k", "1-0", "outcome.recorded", "1", b"{}", b"{}")])
    assert await bench.counted() == []


async def test_a_time_without_an_offset_is_utc(bench: Bench) -> None:
    """The same from every door: one SDK sends all its reports so."""
    await bench.report(bench.now.replace(tzinfo=None).isoformat())
    await bench.report(bench.now.replace(tzinfo=None).isoformat(sep=" "))
    await bench.report(str(int(bench.now.timestamp())))
    assert await bench.counted() == [("client_discard", "queue_overflow", "error", 69)]
    assert await bench.fates() == []


async def test_a_retention_without_bounds_breaks_no_report(bench: Bench) -> None:
    bench.options = {"hearback:retention_days": 10**20}
    await bench.report((bench.now - DAY).timestamp())
    assert await bench.counted() == [("client_discard", "queue_overflow", "error", 23)]
