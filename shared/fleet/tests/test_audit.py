"""Entries for the audit log: with the change or not at all, whoever is away."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hearback_contracts.audit import AuditEvent
from hearback_contracts.streams import AUDIT_ENTRY_RECORDED
from hearback_devkit.fleet import audited
from hearback_devkit.testing import ManualClock
from hearback_fleet.audit import Audit
from hearback_fleet.unit_of_work import UnitOfWork, Work
from hearback_kit.auth import Principal
from hearback_kit.db import Database
from hearback_kit.errors import NotFound
from hearback_kit.outbox import Outbox, OutboxRelay, outbox_table
from sqlalchemy import MetaData, func, select

METADATA = MetaData()
TABLE = outbox_table(METADATA)
AUDIT = Audit(7, Principal("token", "3", "owner@example.com", {7: "owner"}), "192.0.2.1")
CHANGES = {"kind": {"old": None, "new": "silence"}}


@pytest.fixture
async def database(open_database: Callable[[str], Awaitable[Database]]) -> Database:
    return await open_database("")


@pytest.fixture
async def unit_of_work(database: Database, bus: Any) -> UnitOfWork:
    async with database.transaction() as connection:
        await connection.run_sync(METADATA.create_all)
    relay = OutboxRelay(database, TABLE, bus)
    return UnitOfWork("sample", database, Outbox(TABLE), relay, ManualClock(), 4)


def add(work: Work) -> None:
    AUDIT(work, AuditEvent.ALERT_RULE_EDITED, 5, 9, name="loss", changes=CHANGES)


async def test_an_entry_tells_who_did_what_when_and_from_where(unit_of_work: UnitOfWork, redis: Any) -> None:
    async with unit_of_work.begin() as work:
        add(work)
    at = unit_of_work.clock.now()
    await unit_of_work.relay.publish_once()
    (entry,) = await audited(redis, 1)
    assert (entry.event, entry.occurred_at, entry.target) == ("alertrule.edit", at, 9)
    assert (entry.organization_id, entry.project_id) == (7, 5)
    assert (entry.actor_id, entry.actor_label, entry.address) == (3, "owner@example.com", "192.0.2.1")
    assert entry.data == {"name": "loss", "changes": CHANGES}
    assert await redis.xlen(AUDIT_ENTRY_RECORDED.key(5, 4)) == 1


async def test_a_change_that_is_taken_back_leaves_none(unit_of_work: UnitOfWork, database: Database) -> None:
    async def change() -> None:
        async with unit_of_work.begin() as work:
            add(work)
            raise NotFound

    with pytest.raises(NotFound):
        await change()
    async with database.connection() as connection:
        assert await connection.scalar(select(func.count()).select_from(TABLE)) == 0


async def test_an_entry_waits_with_its_change_for_a_process_that_was_killed(
    unit_of_work: UnitOfWork, database: Database, bus: Any, redis: Any
) -> None:
    """Between commit and publication: another process publishes it."""
    async with unit_of_work.begin() as work:
        add(work)
    assert await redis.keys("hearback:audit-entry*") == []
    await OutboxRelay(database, TABLE, bus).publish_once()
    assert len(await audited(redis, 1)) == 1
