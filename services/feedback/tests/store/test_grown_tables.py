"""What consumers and retention read does not grow with tables that PostgreSQL's statistics call empty."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from feedback.store import attachments, search_names, submissions
from hearback_devkit.testing.statistics import call_empty, copy_row, count_read
from hearback_kit.db import Connection, Database
from sqlalchemy import text

from ..conftest import NOW

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
    "attachments": (
        "attachment", 100,
        lambda connection: attachments.count_attachments(connection, KEYS), dict.fromkeys(KEYS, 1),
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


@pytest.mark.parametrize("name", CALLS)
async def test_a_batch_reads_its_rows_only(open_database: Any, name: str) -> None:
    table, count, call, expected = CALLS[name]
    database: Database = await open_database("feedback.store.migrations")
    async with database.transaction() as connection:
        await submissions.close_refused(connection, {(1, "first"): (1, "deleted")}, NOW)
        await search_names.record_names(connection, [(1, "first")])
        await connection.execute(text(FEEDBACK))
        await attachments.record_attachments(connection, [ATTACHED], NOW)
        await call_empty(connection, table)
        await copy_row(connection, table, COUNT, event_id=NEW, name=NEW, attachment_id=NEW)
    async with database.transaction() as connection:
        before = await count_read(connection)
        assert await call(connection) == expected
        assert await count_read(connection) - before < 5 * count + 500
