"""What is read of one account, token, session or project, or of a chunk to remove, is not all there is."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hearback_devkit.testing import ManualClock
from hearback_devkit.testing.statistics import Past, call_empty, copy_row, count_read
from hearback_kit.db import Connection, Database
from registry.store import alerts, audit_logs, members, organizations, projects, sessions, snapshots, tokens, users
from sqlalchemy import text

MIGRATIONS = "registry.store.migrations"
COUNT = 5_000
NOW = ManualClock().now()
LATER = NOW + timedelta(days=1)
OWN = {"organization_id": "n + 1", "user_id": "n + 1", "project_id": "n + 1"}
TABLES = {
    "organizations": {"slug": "'o' || n + 1"},
    "users": {"email": "n + 1 || '@example.com'"},
    "projects": {**OWN, "slug": "'p' || n + 1"},
    "members": OWN,
    "tokens": {**OWN, "digest": "'d' || n + 1"},
    "sessions": {**OWN, "digest": "'d' || n + 1"},
    "project_alerts": OWN,
    "project_keys": {**OWN, "public": "'k' || n + 1"},
    "audit_logs": {**OWN, "actor_id": "n + 1", "target_user_id": "n + 1", "message_id": "gen_random_uuid()"},
}
ONE = (
    """
    INSERT INTO project_keys (project_id, public, secret, name, is_active, created_at)
    VALUES (1, '', '', '', true, :at)
    """,
    """
    INSERT INTO audit_logs (organization_id, event, actor_id, actor_label, data, created_at)
    VALUES (1, '', 1, '', '{}', :at)
    """,
)
UNUSED = """
WITH gone AS (DELETE FROM sessions WHERE user_id <= 100), left_too AS (DELETE FROM tokens WHERE user_id <= 100)
DELETE FROM members WHERE user_id <= 100
"""
CALLS: dict[str, Callable[[Connection], Awaitable[Any]]] = {
    "accounts to sign in to": lambda connection: users.list_users_by_email(connection, "7@example.com"),
    "a known address": lambda connection: sessions.is_known_address(connection, "7@example.com", "a", NOW),
    "a session": lambda connection: sessions.find_session_holder(connection, "d7", NOW),
    "a token's holder": lambda connection: tokens.find_token_holder(connection, "d7", NOW),
    "a token": lambda connection: tokens.find_token(connection, 7, 7),
    "recipients": lambda connection: alerts.list_recipients(connection, 7),
    "a subscriber": lambda connection: alerts.find_subscriber(connection, 7, 7),
    "alerts": lambda connection: alerts.list_alerts(connection, 7, [7]),
    "a project": lambda connection: projects.find_project(connection, 7, "p7"),
    "configurations": lambda connection: snapshots.projects_of(connection, [7, 8]),
    "a membership": lambda connection: members.find_member_of_user(connection, 7, 7),
}


@pytest.mark.parametrize("past", Past)
async def test_what_one_request_is_about_is_looked_up(
    make_database: Callable[[str], Awaitable[str]], past: Past
) -> None:
    database = Database(await make_database(MIGRATIONS))
    async with database.transaction() as connection:
        await _fill(connection)
        await call_empty(connection, *TABLES, past=past)
    much = {}
    for plans in ("force_custom_plan", "force_generic_plan"):
        for name, call in CALLS.items():
            async with database.transaction() as connection:
                await connection.execute(text(f"SET LOCAL plan_cache_mode = {plans}"))
                before = await count_read(connection)
                assert await call(connection), name
                read = await count_read(connection) - before
            if read > 50:
                much[name, plans] = read
    await database.close()
    assert much == {}


@pytest.mark.parametrize("past", Past)
async def test_a_chunk_of_what_expired_is_removed_without_reading_the_rest(
    make_database: Callable[[str], Awaitable[str]], past: Past
) -> None:
    """An account with what refers to it."""
    database = Database(await make_database(MIGRATIONS))
    async with database.transaction() as connection:
        await _fill(connection)
        await connection.execute(text("UPDATE users SET last_used_at = :at WHERE id > 100"), {"at": LATER})
        await connection.execute(text("UPDATE tokens SET expires_at = created_at WHERE id > 4000"))
        await connection.execute(text(UNUSED))
        await call_empty(connection, *TABLES, past=past)
    long_after = NOW + 2 * tokens.EXPIRED_KEPT
    read = {}
    for remove, until in (
        (users.remove_unused, NOW + timedelta(hours=1)),
        (tokens.remove_expired, long_after),
        (sessions.remove_expired, long_after),
        (audit_logs.remove_before, long_after),
    ):
        async with database.transaction() as connection:
            before = await count_read(connection)
            assert await remove(connection, until, 50) == 50
            read[remove.__module__] = await count_read(connection) - before
    await database.close()
    assert max(read.values()) < 1_000, read


async def _fill(connection: Connection) -> None:
    await organizations.add_organization(connection, "first", "n", NOW)
    await users.add_user(connection, "first@example.com", "n", "", NOW)
    await projects.add_project(connection, 1, "first", "n", None, NOW)
    await members.add_member(connection, 1, 1, "owner", NOW)
    await tokens.add_token(
        connection, organization_id=1, user_id=1, name="", digest="", last_characters="", scopes=[], created_at=NOW
    )
    await sessions.add_session(connection, 1, "", NOW, LATER, address_block="a")
    await alerts.set_alerts(connection, 1, [1], False, NOW)
    for statement in ONE:
        await connection.execute(text(statement), {"at": NOW})
    for table, changed in TABLES.items():
        await copy_row(connection, table, COUNT, **changed)
