"""What consumers and retention read does not grow with tables that PostgreSQL's statistics call empty."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from feedback.store import (
    arrivals,
    attachment_removal,
    attachments,
    erasures,
    feedback_read,
    feedback_write,
    search_names,
    spam_verdicts,
    submissions,
)
from hearback_devkit.testing.statistics import Past, call_empty, copy_row, count_read
from hearback_kit.db import Connection, Database
from sqlalchemy import text

from ..conftest import NOW
from ..unit.test_kept_event import SOON, draft

COUNT = 20_000
KEYS = [(1, f"{number:032x}") for number in range(1, 101)]
NEW = "lpad(to_hex(n), 32, '0')"
FEEDBACK = """
INSERT INTO feedback (id, organization_id, project_id, event_id, submission_id, revision, source, occurrence_id,
    fingerprint, short_id, title, message, environment, platform, level, first_seen, received_at, tags, evidence,
    event, facets, search)
VALUES (1, 1, 1, 'first', 'first', 0, 'new_feedback_envelope', '', '', '', '', 'm', '', '', '', now(), now(), '{}',
    '{}', '{}', '{}', '')
"""
Call = Callable[[Connection], Awaitable[Any]]
ATTACHED = attachments.NewAttachment(
    attachment_id="first", organization_id=1, project_id=1, event_id="first", name="a", content_type=None,
    attachment_type="a", size=1, sha1="", blob_key="a", received_at=NOW,
)  # fmt: skip


async def _reserve(connection: Connection) -> bool:
    new = [arrivals.Arrival(*key, is_stored=True, is_new_feedback=True) for key in KEYS]
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return (await arrivals.reserve(driver, new, [1])).are_all_new


async def _revise(connection: Connection) -> int:
    payload = {"contexts": {"feedback": {"message": "m"}}}
    drafts = [
        replace(draft(SOON, payload), project_id=project, event_id=event, revision=1) for project, event in KEYS
    ]
    return len(await feedback_write.update_feedback(connection, drafts))


async def _lock_passed(connection: Connection) -> object:
    return await spam_verdicts.lock_passed(connection, *KEYS[0], revision=0)


async def _expire(connection: Connection) -> int:
    return len(await feedback_write.lock_expired(connection, 1, NOW + timedelta(days=9_999), 100))


async def _delete(connection: Connection) -> int:
    deleted = await feedback_write.delete_feedback(connection, range(2, 202, 2))
    await submissions.close_deleted(connection, deleted, NOW, "deleted")
    return len(deleted)


async def _list_attachments(connection: Connection) -> int:
    return len(await attachments.list_attachments(connection, *KEYS[0], limit=10))


CALLS: dict[str, tuple[str, int, Call, object]] = {
    "known submissions": (
        "closed_submission", 100,
        lambda connection: submissions.find_known(connection, KEYS),
        {key: submissions.Known(None, 1, "deleted") for key in KEYS},
    ),
    "stored submissions": (
        "feedback", 100,
        lambda connection: submissions.find_known(connection, KEYS),
        {
            key: submissions.Known(2 * number, 0, status="unresolved", message="m", name=key[1])
            for number, key in enumerate(KEYS, 1)
        },
    ),
    "reserved submissions": ("feedback", 100, _reserve, False),
    "new revisions": ("feedback", 100, _revise, 100),
    "a late verdict": ("feedback", 1, _lock_passed, None),
    "feedback of an event": (
        "feedback", 1,
        lambda connection: feedback_read.find_by_event(connection, [2, 3], KEYS[0][1]), None,
    ),
    "expired feedback": ("feedback", 100, _expire, 100),
    "a window of all feedback": (
        "feedback", 100,
        lambda connection: erasures.find_of_address(connection, "7", 400, 100), ([], 600),
    ),
    "deleted feedback": ("feedback", 100, _delete, 100),
    "attachments": (
        "attachment", 100,
        lambda connection: attachments.count_attachments(connection, KEYS), dict.fromkeys(KEYS, 1),
    ),
    "attachments of new submissions": ("attachment", 100, _reserve, True),
    "attachments of deleted events": (
        "attachment", 100,
        lambda connection: attachments.delete_of_events(connection, KEYS, NOW, "deleted"), 100,
    ),
    "attachments of an event": ("attachment", 1, _list_attachments, 1),
    "attachments whose feedback came": (
        "feedback", 1, lambda connection: attachment_removal.mark_feedback_found(connection, NOW), None,
    ),
    "an event with attachments": (
        "attachment", 1,
        lambda connection: attachments.event_exists(connection, *KEYS[0]), True,
    ),
    "an event with feedback": (
        "feedback", 1,
        lambda connection: attachments.event_exists(connection, *KEYS[0]), True,
    ),
    "deleted events": (
        "closed_submission", 100,
        lambda connection: attachments.find_deleted_events(connection, KEYS, "deleted"), set(KEYS),
    ),
    "old submissions": (
        "closed_submission", 100,
        lambda connection: submissions.forget_closed(connection, NOW + timedelta(days=1), 100), 100,
    ),
    "names": (
        "search_name", 100,
        lambda connection: search_names.record_names(connection, KEYS), None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("past", Past)
async def test_feedback_of_many_orphans_is_looked_up(open_database: Any, past: Past) -> None:
    """A hundred among many others, of whose events one half came, and as many that are no orphans any more."""
    database: Database = await open_database("feedback.store.migrations")
    since = f"now() + (n / {len(KEYS) + 1}) * interval '1 day'"
    async with database.transaction() as connection:
        await connection.execute(text(FEEDBACK))
        await attachments.record_attachments(connection, [ATTACHED], NOW)
        await copy_row(connection, "feedback", COUNT, event_id="lpad(to_hex(2 * n), 32, '0')")
        kept = {"received_at": since, "event_found": "n > 10000"}
        await copy_row(connection, "attachment", COUNT, event_id=NEW, attachment_id=NEW, **kept)
        await connection.execute(text("DELETE FROM attachment WHERE event_id = 'first'"))
        await call_empty(connection, "feedback", "attachment", past=past)
    async with database.transaction() as connection:
        before = await count_read(connection)
        await attachment_removal.mark_feedback_found(
            connection, await connection.scalar(text("SELECT now() + interval '1 hour'"))
        )
        assert await count_read(connection) - before < 500
        found = "SELECT count(*) FROM attachment WHERE event_found AND received_at < now() + interval '1 hour'"
        assert await connection.scalar(text(found)) == len(KEYS) // 2


@pytest.mark.parametrize("past", Past)
@pytest.mark.parametrize("name", CALLS)
async def test_a_batch_reads_its_rows_only(open_database: Any, name: str, past: Past) -> None:
    table, count, call, expected = CALLS[name]
    database: Database = await open_database("feedback.store.migrations")
    async with database.transaction() as connection:
        await submissions.close_refused(connection, {(1, "first"): (1, "deleted")}, NOW)
        await search_names.record_names(connection, [(1, "first")])
        await connection.execute(text(FEEDBACK))
        await attachments.record_attachments(connection, [ATTACHED], NOW)
        await copy_row(connection, table, COUNT, event_id=NEW, name=NEW, attachment_id=NEW)
        await call_empty(connection, table, past=past)
    async with database.transaction() as connection:
        before = await count_read(connection)
        assert await call(connection) == expected
        assert await count_read(connection) - before < 5 * count + 500
