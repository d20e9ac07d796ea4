"""What PostgreSQL reads does not grow with tables that its statistics call empty, and these cost little."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hearback_devkit.testing.statistics import Past, call_empty, copy_row, count_read
from hearback_kit.db import Connection
from notifier.store import due_webhooks, erasures
from notifier.store.bursts import postpone_surplus
from notifier.store.decisions import delete_decisions
from notifier.store.deliveries import (
    claim_digest,
    claim_due,
    does_webhook_wait,
    find_digests,
    is_mail_due,
    refuse_disabled,
)
from notifier.store.destinations import STOPPED_MAX, list_stopped, switch_off
from sqlalchemy import text

from ..conftest import ADA, Notifier, feedback
from ..consumers.test_feedback_created import take

COUNT = 10_000
HELD = """
INSERT INTO decision (project_id, event_id, verdict, rule, decided_at)
SELECT 1, n::text, 'held', 'spam', :at FROM generate_series(1, :count) AS n
"""


@pytest.mark.parametrize("past", Past)
async def test_old_decisions_are_chosen_once(notifier: Notifier, past: Past) -> None:
    now = notifier.clock.now()
    async with notifier.database.transaction() as connection:
        await connection.execute(text(HELD), {"at": now, "count": COUNT})
        await call_empty(connection, "decision", past=past)
    async with notifier.database.transaction() as connection:
        before = await count_read(connection)
        assert await delete_decisions(connection, now + timedelta(days=1), 100) == 100
        assert await count_read(connection) - before < COUNT


STATISTICS = pytest.mark.parametrize("past", [None, *Past])


async def describe(connection: Connection, past: Past | None) -> None:
    """Make PostgreSQL's statistics false in this way, or true."""
    await call_empty(connection, "delivery", "destination", past=past or Past.NEW)
    if past is None:
        await connection.execute(text("ANALYZE delivery, destination"))


@STATISTICS
async def test_a_claim_reads_what_it_claims(notifier: Notifier, past: Past | None) -> None:
    """Not all that is due, nor all that its addresses got lately, nor what is due in digests since before."""
    await take(notifier, feedback())
    now, off = notifier.clock.now(), f"email:{ADA.email}"
    async with notifier.database.transaction() as connection:
        await switch_off(connection, off, "550", now)
        to = f"CASE WHEN n % 2 = 0 THEN '{off}' ELSE 'email:' || n % {COUNT // 4} END"
        await copy_row(connection, "delivery", COUNT, subject_id="n::text", destination=to)
        earlier = {"state": "'digest'", "due_at": "due_at - interval '1 minute'"}
        await copy_row(connection, "delivery", COUNT, subject_id="'-' || n", **earlier)
        await copy_row(connection, "destination", COUNT, destination="'email:' || -n")
        await describe(connection, past)
    async with notifier.database.transaction() as connection:
        before = await count_read(connection)
        ids = [one.id for one in await claim_due(connection, now, timedelta(minutes=1), 50)]
        assert len(await refuse_disabled(connection, ids, now)) == 25
        assert await postpone_surplus(connection, ids, 20, now) == set()
        assert await find_digests(connection, now, 50) == [(f"email:{ADA.email}", 1)] * 50
        assert await count_read(connection) - before < 1_000


@STATISTICS
@pytest.mark.parametrize("channel", ["email", "webhook"])
async def test_a_digest_reads_nothing_that_was_sent(notifier: Notifier, past: Past | None, channel: str) -> None:
    """Nor what waits for digests of others."""
    await take(notifier, feedback())
    now, key = notifier.clock.now(), f"{channel}:1"
    theirs = {"destination": f"'{key}'", "channel": f"'{channel}'"}
    waiting = {"subject_id": "'-' || n", "state": "'digest'"}
    others = waiting | {"destination": f"'{channel}:-' || n % 100", "channel": f"'{channel}'"}
    async with notifier.database.transaction() as connection:
        await copy_row(connection, "delivery", COUNT, subject_id="n::text", state="'sent'", **theirs)
        await copy_row(connection, "delivery", 2 * COUNT, **others)
        await copy_row(connection, "delivery", 2 * COUNT, **waiting, project_id="2", **theirs)
        await copy_row(connection, "delivery", 300, **waiting, **theirs)
        await describe(connection, past)
    async with notifier.database.transaction() as connection:
        before, claimed = await count_read(connection), list[int]()
        for count in (200, 100, 0):
            _, ids = await claim_digest(connection, key, 1, now, timedelta(minutes=1), 50, count_max=200)
            assert len(ids) == count
            claimed += ids
        assert claimed == sorted(set(claimed)), "the oldest first"
        assert await count_read(connection) - before < 3_000


@STATISTICS
@pytest.mark.parametrize(("waits", "mails", "webhooks"), [(0, False, False), (1, True, True), (COUNT, True, True)])
async def test_whether_anything_waits_reads_nothing_that_was_sent(
    notifier: Notifier, past: Past | None, waits: int, mails: bool, webhooks: bool
) -> None:
    """Nor what is due later, nor all that waits, unless statistics call a table empty that was full before."""
    await take(notifier, feedback())
    async with notifier.database.transaction() as connection:
        await connection.execute(text("UPDATE delivery SET state = 'sent'"))
        await copy_row(connection, "delivery", COUNT, subject_id="n::text", state="'sent'")
        channel = {"channel": "CASE WHEN n % 2 = 0 THEN 'email' ELSE 'webhook' END"}
        await copy_row(connection, "delivery", 2 * waits, subject_id="'-' || n", state="'pending'", **channel)
        later = {"state": "'digest'", "due_at": "due_at + interval '1 hour'"}
        await copy_row(connection, "delivery", COUNT, subject_id="'later ' || n", **later)
        await describe(connection, past)
    async with notifier.database.transaction() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        before = await count_read(connection)
        assert await is_mail_due(driver, notifier.clock.now()) is mails
        assert await does_webhook_wait(driver) is webhooks
        assert await count_read(connection) - before < 100 + (4 * waits if past is Past.REFILLED else 0)


@STATISTICS
async def test_stopped_destinations_read_no_delivery_twice(notifier: Notifier, past: Past | None) -> None:
    """Two questions read all that was sent at most twice; the destination that changed first is found, too."""
    await take(notifier, feedback())
    now, key = notifier.clock.now(), f"email:{ADA.email}"
    async with notifier.database.transaction() as connection:
        await switch_off(connection, key, "550", now)
        latest_first = {"destination": "'email:' || n", "changed_at": "changed_at + n * interval '1 minute'"}
        await copy_row(connection, "destination", 3 * STOPPED_MAX, **latest_first)
        await copy_row(connection, "delivery", COUNT, subject_id="n::text", destination=f"'{key}'")
        await copy_row(connection, "delivery", STOPPED_MAX, destination="'email:' || n")
        others = {"project_id": "2", "subject_id": "n::text", "destination": f"'email:' || n % {3 * STOPPED_MAX}"}
        await copy_row(connection, "delivery", COUNT, **others)
        await describe(connection, past)
    async with notifier.database.transaction() as connection:
        before = await count_read(connection)
        assert len(await list_stopped(connection, 1, now)) == STOPPED_MAX
        assert [one.key for one in await list_stopped(connection, 1, now, key=key)] == [key]
        assert await count_read(connection) - before < 4 * COUNT


FOUND = {"subject_id": "lpad(to_hex(n), 32, '0')", "destination": "'webhook:' || n % 100", "channel": "'webhook'"}
SUBJECTS = [(1, f"{number:032x}") for number in range(1, 101)]
CALLS: dict[str, tuple[int, Callable[[Connection, datetime], Awaitable[Any]]]] = {
    "deliveries of a person's submissions": (
        100, lambda connection, _: erasures.delete_of_submissions(connection, SUBJECTS),
    ),
    "a window of all deliveries": (
        100, lambda connection, _: erasures.delete_of_address(connection, "ann@example.com", 200, 300),
    ),
    "the end of a window": (100, lambda connection, _: erasures.find_last(connection, 200, 100)),
    "webhooks that are due": (
        500, lambda connection, now: due_webhooks.find_due(connection, now, 5, without=[2]),
    ),
    "webhooks without those of an organization": (
        500, lambda connection, now: due_webhooks.find_due(connection, now, 5, without=[1]),
    ),
    "webhooks to claim": (
        100,
        lambda connection, now: due_webhooks.claim(connection, range(200, 300), now, timedelta(minutes=1)),
    ),
}  # fmt: skip


@STATISTICS
@pytest.mark.parametrize("name", CALLS)
async def test_a_call_reads_its_rows_only(notifier: Notifier, name: str, past: Past | None) -> None:
    count, call = CALLS[name]
    await take(notifier, feedback())
    async with notifier.database.transaction() as connection:
        await copy_row(connection, "delivery", COUNT, **FOUND)
        await describe(connection, past)
    async with notifier.database.transaction() as connection:
        before = await count_read(connection)
        await call(connection, notifier.clock.now())
        assert await count_read(connection) - before < 5 * count + 100


async def test_statistics_are_of_what_conditions_are_about(notifier: Notifier) -> None:
    await take(notifier, feedback())
    async with notifier.database.transaction() as connection:
        await connection.execute(text("ANALYZE delivery"))
        found = await connection.scalars(text("SELECT attname FROM pg_stats WHERE tablename = 'delivery'"))
        names = set(found.all())
    assert names >= {"project_id", "subject_id", "destination", "channel", "target", "state", "due_at"}
    assert not names & {"label", "language", "unsubscribe_url", "notice", "answer"}
