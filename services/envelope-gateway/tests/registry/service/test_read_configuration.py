"""Pages see what is stored: the same as is published, without the members that they do not show."""

import pytest
from registry.service.read_configuration import StoredConfiguration
from sqlalchemy import text


@pytest.fixture
def stored(database):
    return StoredConfiguration(database)


async def test_stored_is_what_is_published(registry, other, configuration, stored):
    published = await configuration.organization("demo")
    owner = published.members[0]
    assert await stored.organization_for("demo", owner.email.upper()) == published
    assert await stored.organization_for(published.id, owner.email) == published
    assert await stored.organization("demo") == published.model_copy(update={"members": ()})
    assert await stored.project(1) == await configuration.project(1)
    assert await stored.organization("nothing") is None
    assert await stored.project(4711) is None
    both = await stored.organizations_for([published.id, 2, 4711], owner.email)
    assert {one.slug for one in both} == {"demo", other["organization"]}
    assert await stored.organizations_for([], owner.email) == []


async def test_of_very_many_members_one_is_read(registry, database, stored):
    statement = (
        "WITH made AS (INSERT INTO users (email, name, password_hash, created_at)"
        " SELECT 'm' || n || '@example.com', 'M' || n, '', now() FROM generate_series(1, 500) n RETURNING id)"
        " INSERT INTO members (organization_id, user_id, role, created_at) SELECT 1, id, 'member', now() FROM made"
    )
    async with database.transaction() as connection:
        await connection.execute(text(statement))
    found = await stored.organization_for("demo", "m77@example.com")
    assert [member.name for member in found.members] == ["M77"]
