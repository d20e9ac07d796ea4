from hearback_devkit.testing import ManualClock, eventually
from registry.jobs.cleanup import clean_up
from sqlalchemy import text


async def test_what_has_expired_is_removed(registry, database, working):
    async def count(table):
        async with database.connection() as connection:
            return await connection.scalar(text(f"SELECT count(*) FROM {table}"))

    await registry.sign_in()
    async with working(registry.settings, registry.clock):
        assert await count("sessions") == 1
        assert await count("audit_logs") > 0
    registry.clock.move(days=14)

    async def sessions_are_gone():
        return await count("sessions") == 0

    async with working(registry.settings, registry.clock):
        await eventually(sessions_are_gone)
        assert await count("audit_logs") > 0
    registry.clock.move(days=registry.settings.audit_days)

    async def entries_are_gone():
        return await count("audit_logs") == 0

    async with working(registry.settings, registry.clock):
        await eventually(entries_are_gone)


async def test_accounts_that_are_unused_are_removed(registry, database):
    """Never one with a membership, a token or a sign-in within the time that the setting names."""
    days = registry.settings.unused_account_days

    async def addresses():
        await clean_up(database, registry.clock, registry.settings)
        async with database.connection() as connection:
            return set(await connection.scalars(text("SELECT email FROM users")))

    owner = registry.demo["admin_email"]
    left, returned = await registry.join("left@example.org"), await registry.join("returned@example.org")
    await registry.bootstrap("other", "app")
    registry.clock.move(days=days)
    for member in (left, returned):
        await registry.delete(f"/organizations/demo/members/{member['id']}/")
    everybody = {owner, "owner@other.example.com", left["email"], returned["email"]}
    registry.clock.move(days=days)
    assert await addresses() == everybody
    await registry.sign_in(returned["email"], returned["password"])
    registry.clock.move(seconds=1)
    assert await addresses() == everybody - {left["email"]}
    registry.clock.move(days=registry.settings.session_days)
    assert returned["email"] in await addresses()
    registry.clock.move(days=days)
    assert await addresses() == {owner, "owner@other.example.com"}
    assert await registry.get("/organizations/demo/members/")


async def test_an_account_with_a_token_stays(settings, database):
    """Even without a membership, however that came about."""
    async with database.transaction() as connection:
        for statement in (
            "INSERT INTO organizations (slug, name, features, created_at) VALUES ('demo', 'demo', '{}', now())",
            "INSERT INTO users (email, password_hash, created_at)"
            " SELECT name || '@example.org', '', to_timestamp(0) FROM unnest(ARRAY['ann', 'bob']) AS name",
            "INSERT INTO tokens (organization_id, user_id, name, digest, last_characters, scopes, created_at)"
            " SELECT organizations.id, users.id, 'x', 'x', 'x', '{}', now() FROM organizations, users"
            " WHERE users.email = 'ann@example.org'",
        ):
            await connection.execute(text(statement))
    await clean_up(database, ManualClock(), settings)
    async with database.connection() as connection:
        assert set(await connection.scalars(text("SELECT email FROM users"))) == {"ann@example.org"}
