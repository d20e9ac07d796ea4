from hearback_devkit.testing import eventually
from hearback_kit.db import Database
from sqlalchemy import text


async def test_what_has_expired_is_removed(registry, working):
    database = Database(registry.settings.database_url)

    async def count(table):
        async with database.connection() as connection:
            return await connection.scalar(text(f"SELECT count(*) FROM {table}"))

    login = {"email": registry.demo["admin_email"], "password": registry.demo["admin_password"]}
    await registry.http.post("/api/0/auth/login/", json=login)
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
    await database.close()
