"""Announcements that only name their feedback in the outbox are restored from what is stored."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from feedback.domain.statuses import RESOLVED
from feedback.service.restore_announcements import restore_announcements
from feedback.store.feedback_write import change_feedback, delete_feedback
from feedback.store.tables import OUTBOX
from hearback_contracts.notices import FeedbackCreated
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_CREATED
from hearback_devkit.fleet import as_incoming, publish_project
from hearback_devkit.testing import beside, eventually
from hearback_kit.outbox import OutboxRelay
from sqlalchemy import func, select

from ..conftest import EVENT, JUDGED, MEMBERS, SPAM, Api, Files, Intake, payload, submitted

RICH = payload(
    "The button\n\tis dead \U0001f9e8 " + "x" * 3_000,
    feedback={"name": "J" * 2_000, "contact_email": "jane@example.com", "url": "https://x.io/?q=" + "ü" * 1_500,
              "associated_event_id": "c" * 32},
    environment="staging", release="web@1", platform="javascript", level="error",
    tags={f"tag{number:03}": "v" * 300 for number in range(100)},
)  # fmt: skip


async def announced(intake: Intake, redis: Any) -> list[dict[bytes, bytes]]:
    """Return the entries of the streams of created feedback, and empty these."""
    found = []
    for key in FEEDBACK_CREATED.shard_keys(intake.settings.stream_shards):
        found += [fields for _, fields in await redis.xrange(key)]
        await redis.delete(key)
    return sorted(found, key=lambda fields: fields[b"d"])


async def kept(intake: Intake) -> Sequence[Any]:
    """Return the announcements in the outbox."""
    async with intake.database.connection() as connection:
        wanted = select(OUTBOX).where(OUTBOX.c.type == FEEDBACK_CREATED.name).order_by(OUTBOX.c.id)
        return (await connection.execute(wanted)).all()


async def after_a_kill(intake: Intake, bus: Any, redis: Any) -> list[dict[bytes, bytes]]:
    """Return what another process announces of what this one left behind."""
    relay = OutboxRelay(intake.database, OUTBOX, bus, restore=restore_announcements)
    while await relay.publish_once():
        pass
    async with intake.database.connection() as connection:
        assert await connection.scalar(select(func.count()).select_from(OUTBOX)) == 0
    return await announced(intake, redis)


@pytest.mark.parametrize("together", [False, True])
async def test_what_is_restored_after_a_kill_is_what_would_have_been_published(
    intake: Intake, redis: Any, bus: Any, together: bool
) -> None:
    await publish_project(redis, members=MEMBERS, features=JUDGED)
    await publish_project(redis, project_id=2, organization_id=2)
    without_app: Any = None  # whose relay would publish as well
    await Files(Api(without_app, without_app, intake)).store()
    compact = intake.changed(compact_rows=True, announces_together=together)
    batch = [submitted(RICH, source=source) for source in [*FeedbackSource] * 2]
    batch += [submitted(payload(SPAM)), submitted(event_id=EVENT)]
    batch.append(submitted(RICH, project_id=2, organization_id=2))
    await compact.handler([as_incoming(message) for message in batch])
    assert max(len(row.data) for row in await kept(intake)) < 300
    restored = await after_a_kill(intake, bus, redis)
    assert len(restored) == (3 if together else len(batch))
    async with beside(intake.unit_of_work.relay.run):
        await eventually(lambda: _has(redis, intake, len(restored)))
    assert restored == await announced(intake, redis)


async def _has(redis: Any, intake: Intake, number: int) -> bool:
    keys = FEEDBACK_CREATED.shard_keys(intake.settings.stream_shards)
    return sum([await redis.xlen(key) for key in keys]) == number


async def test_what_was_deleted_meanwhile_is_left_out(intake: Intake, redis: Any, bus: Any) -> None:
    compact = intake.changed(compact_rows=True, announces_together=True)
    batch = [submitted(payload(f"number {number}")) for number in range(9)]
    await compact.handler([as_incoming(message) for message in batch])
    first, second = (orjson.loads(row.data)["feedback"] for row in await kept(intake))
    assert (len(first), len(second)) == (8, 1)
    async with intake.database.transaction() as connection:
        await delete_feedback(connection, [first[3], *second])
    [message] = await after_a_kill(intake, bus, redis)
    contents = orjson.loads(message[b"d"])["feedback"]
    assert [one["issue_id"] for one in contents] == [number for number in first if number != first[3]]


async def test_what_changed_meanwhile_is_announced_as_it_is_by_then(intake: Intake, redis: Any, bus: Any) -> None:
    await publish_project(redis, members=MEMBERS, features=JUDGED)
    compact = intake.changed(compact_rows=True, announces_together=True)
    await compact.handler([as_incoming(submitted(payload("first words"), event_id=EVENT))])
    without_app: Any = None  # whose relay would publish as well
    files = Files(Api(without_app, without_app, intake))
    await files.handler([await files.put(b"data", EVENT, 1)])
    await compact.handler([as_incoming(submitted(payload(SPAM), event_id=EVENT, revision=1))])
    before, after = await change_to(intake, RESOLVED)
    assert (before, after) == ("ignored", RESOLVED)
    [message] = await after_a_kill(intake, bus, redis)
    [content] = orjson.loads(message[b"d"])["feedback"]
    assert (content["message"], content["is_spam"], content["attachments"]) == (SPAM, True, 1)


async def change_to(intake: Intake, status: str) -> tuple[str, str]:
    """Set the status of the only feedback, as a person who does not write to the outbox; return both."""
    before = await intake.row(EVENT)
    async with intake.database.transaction() as connection:
        await change_feedback(connection, [before.id], {"status": status, "triaged": True})
    return before.status, (await intake.row(EVENT)).status


@pytest.mark.parametrize("is_compact", [False, True])
async def test_whole_rows_are_published_as_they_are(
    intake: Intake, redis: Any, bus: Any, is_compact: bool
) -> None:
    """Those of another setting, and of a batch of which some is known, beside those that name feedback."""
    known = submitted()
    await intake.handler([as_incoming(known)])
    compact = intake.changed(compact_rows=is_compact)
    await compact.handler([as_incoming(submitted())])
    await compact.handler([as_incoming(message) for message in (known, submitted())])
    names = [row.version for row in await kept(intake)]
    assert names == ["1", "named" if is_compact else "1", "1"]
    restored = await after_a_kill(intake, bus, redis)
    assert [fields[b"v"] for fields in restored] == [b"1"] * 3
    assert all(FeedbackCreated.model_validate_json(fields[b"d"]) for fields in restored)
