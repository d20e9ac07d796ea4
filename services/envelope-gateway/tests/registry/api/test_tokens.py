from datetime import timedelta

from hearback_contracts.roles import SCOPES
from hearback_kit.auth import hash_secret
from sqlalchemy import text

TOKENS = "/organizations/demo/api-tokens/"


async def make(registry, *scopes, **fields):
    return await registry.post(TOKENS, {"scopes": list(scopes), **fields}, status=201)


async def test_the_secret_is_shown_once_and_kept_as_a_hash(registry, database):
    made = await make(registry, "event:read", "project:read", name="CI")
    assert made["token"].startswith("hbt_")
    assert (made["name"], made["scopes"]) == ("CI", ["event:read", "project:read"])
    assert (made["dateExpires"], made["dateLastUsed"]) == (None, None)
    _, listed = await registry.get(TOKENS)
    assert "token" not in listed
    assert listed["tokenLastCharacters"] == made["token"][-4:]
    async with database.connection() as connection:
        rows = (await connection.execute(text("SELECT t::text FROM tokens t"))).scalars().all()
    assert any(hash_secret(made["token"]) in row for row in rows)
    assert not any(made["token"][4:-8] in row for row in rows)


async def test_a_token_lists_no_projects_that_its_scopes_do_not_let_it_read(registry):
    for scope, count in (("project:read", 1), ("event:read", 0)):
        token = (await make(registry, scope))["token"]
        assert len(await registry.get("/projects/", token=token)) == count


async def test_a_token_cannot_make_a_stronger_one(registry):
    token = (await make(registry, "org:read", "event:write"))["token"]
    body = {"scopes": ["event:admin", "event:write"]}
    assert (await registry.post(TOKENS, body, token=token, status=403))["code"] == "too_many_scopes"
    await registry.post(TOKENS, {"scopes": ["event:write"]}, token=token, status=201)


async def test_a_token_that_only_reads_creates_and_revokes_none(registry):
    made = await make(registry, "org:read", "event:read")
    await registry.post(TOKENS, {"scopes": ["event:read"]}, token=made["token"], status=403)
    await registry.delete(f"{TOKENS}{made['id']}/", token=made["token"], status=403)


async def test_a_token_lists_and_revokes_only_what_its_scopes_cover(registry):
    """Also among the tokens of one and the same owner."""
    stronger = await make(registry, "org:admin", "event:write")
    same = await make(registry, "event:write")
    token = (await make(registry, "event:write", "event:read"))["token"]
    listed = await registry.get(TOKENS, token=token)
    assert [row["scopes"] for row in listed] == [["event:write"], ["event:read", "event:write"]]
    await registry.delete(f"{TOKENS}{stronger['id']}/", token=token, status=404)
    await registry.get("/organizations/demo/audit-logs/", token=stronger["token"])
    await registry.delete(f"{TOKENS}{same['id']}/", token=token)


async def test_a_token_is_void_after_it_expired(registry):
    expires_at = registry.clock.now() + timedelta(hours=1)
    token = (await make(registry, "org:read", expiresAt=expires_at.isoformat()))["token"]
    registry.clock.move(minutes=59)
    await registry.get("/organizations/demo/", token=token)
    registry.clock.move(minutes=1)
    await registry.get("/organizations/demo/", token=token, status=401)
    await registry.get("/organizations/demo/")


async def test_a_revoked_token_is_void_at_once(registry):
    made = await make(registry, "org:read")
    await registry.get("/organizations/demo/", token=made["token"])
    await registry.delete(f"{TOKENS}{made['id']}/")
    await registry.get("/organizations/demo/", token=made["token"], status=401)
    await registry.delete(f"{TOKENS}{made['id']}/", status=404)
    await registry.delete(f"{TOKENS}x/", status=404)


async def test_uses_are_noted_at_most_once_a_minute(registry):
    made = await make(registry, "org:read")

    async def used():
        rows = await registry.get(TOKENS)
        return next(row["dateLastUsed"] for row in rows if row["id"] == made["id"])

    assert await used() is None
    await registry.get("/organizations/demo/", token=made["token"])
    first = await used()
    assert first is not None
    registry.clock.move(seconds=59)
    await registry.get("/organizations/demo/", token=made["token"])
    assert await used() == first
    registry.clock.move(seconds=1)
    await registry.get("/organizations/demo/", token=made["token"])
    assert await used() > first


async def test_others_than_owners_see_and_revoke_only_their_own(registry):
    added = await registry.join("ann@example.org")
    login = {"email": "ann@example.org", "password": added["password"]}
    assert (await registry.http.post("/api/0/auth/login/", json=login)).status_code == 200
    mine = await registry.http.post(f"/api/0{TOKENS}", json={"scopes": ["event:read"]})
    assert mine.status_code == 201
    assert [row["id"] for row in (await registry.http.get(f"/api/0{TOKENS}")).json()] == [mine.json()["id"]]
    (owners, _) = await registry.get(TOKENS)
    assert (await registry.http.delete(f"/api/0{TOKENS}{owners['id']}/")).status_code == 404
    await registry.delete(f"{TOKENS}{mine.json()['id']}/")


async def test_a_malformed_token_is_400_and_changes_nothing(registry):
    now = registry.clock.now()
    for body in (
        {},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": "org:read"},
        {"scopes": ["org:read"], "name": ""},
        {"scopes": ["org:read"], "expiresAt": "tomorrow"},
        {"scopes": ["org:read"], "expiresAt": "2027-01-01T00:00:00"},
        {"scopes": ["org:read"], "expiresAt": now.isoformat()},
        {"scopes": ["org:read"], "expiresAt": (now + timedelta(days=3651)).isoformat()},
        {"scopes": ["org:read"], "expiresAt": "9999-12-31T23:59:59-12:00"},
    ):
        await registry.post(TOKENS, body, status=400)
    assert len(await registry.get(TOKENS)) == 1


async def test_a_bootstrap_token_has_every_scope(registry):
    found = await registry.get("/")
    assert set(found["auth"]["scopes"]) == SCOPES
    assert found["user"]["email"] == registry.demo["admin_email"]
