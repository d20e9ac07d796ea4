import pytest
from hearback_contracts.roles import ROLE_SCOPES

MEMBERS = "/organizations/demo/members/"


async def test_the_bootstrap_made_an_owner(registry):
    (owner,) = await registry.get(MEMBERS)
    assert (owner["email"], owner["role"], owner["orgRole"]) == (registry.demo["admin_email"], "owner", "owner")
    assert (owner["pending"], owner["expired"]) == (False, False)
    assert owner["user"]["email"] == owner["email"]
    assert await registry.get(f"{MEMBERS}{owner['id']}/") == owner


async def test_a_role_holds_in_its_organization_alone(registry, other):
    """One session is an owner there and a plain member here."""
    theirs = await registry.sign_in(other["admin_email"], other["admin_password"])
    invited = await registry.post(MEMBERS, {"email": other["admin_email"]}, status=201)
    path = invited["invite_link"].partition("/accept/")[2]
    joined = await registry.http.post(f"/api/0/accept-invite/{path}", json={}, headers=theirs)
    assert joined.status_code == 200, joined.text
    there = await registry.http.put("/api/0/projects/other/app/", json={"name": "x"}, headers=theirs)
    here = await registry.http.put("/api/0/projects/demo/web/", json={"name": "x"}, headers=theirs)
    assert (there.status_code, here.status_code) == (200, 403)
    assert (await registry.http.get("/api/0/projects/demo/web/", headers=theirs)).status_code == 200


@pytest.mark.parametrize(
    ("role", "project_write", "organization_write", "member_write"),
    [("member", 403, 403, 403), ("admin", 200, 403, 403), ("manager", 200, 200, 201), ("owner", 200, 200, 201)],
)
async def test_roles_allow_what_they_should(registry, role, project_write, organization_write, member_write):
    added = await registry.join("ann@example.org", role)
    session = await registry.sign_in("ann@example.org", added["password"])

    async def status(method, path, json):
        return (await registry.http.request(method, f"/api/0{path}", json=json, headers=session)).status_code

    assert await status("GET", "/projects/demo/web/", None) == 200
    assert await status("GET", MEMBERS, None) == 200
    assert await status("GET", "/organizations/demo/audit-logs/", None) == organization_write
    assert await status("PUT", "/projects/demo/web/", {"name": "x"}) == project_write
    assert await status("POST", "/projects/demo/web/keys/", {}) == (201 if project_write == 200 else 403)
    assert await status("PUT", "/projects/demo/web/quotas/", []) == project_write
    assert await status("PUT", "/organizations/demo/", {"name": "x"}) == organization_write
    assert await status("POST", MEMBERS, {"email": "bob@example.org"}) == member_write
    assert await status("POST", MEMBERS, {"email": "eve@example.org", "role": "owner"}) == (
        201 if role == "owner" else 403
    )


async def test_a_changed_role_is_in_force_at_once(registry):
    added = await registry.join("ann@example.org", "admin")
    session = await registry.sign_in("ann@example.org", added["password"])
    assert (await registry.put(f"{MEMBERS}{added['id']}/", {"orgRole": "member"}))["role"] == "member"
    answer = await registry.http.put("/api/0/projects/demo/web/", json={"name": "x"}, headers=session)
    assert answer.status_code == 403


async def test_a_removed_member_is_a_stranger_whose_tokens_are_void(registry):
    added = await registry.join("ann@example.org")
    session = await registry.sign_in("ann@example.org", added["password"])
    made = await registry.http.post(
        "/api/0/organizations/demo/api-tokens/", json={"scopes": ["event:read"]}, headers=session
    )
    assert made.status_code == 201
    await registry.get("/organizations/", token=made.json()["token"])
    await registry.delete(f"{MEMBERS}{added['id']}/")
    assert (await registry.http.get("/api/0/organizations/demo/", headers=session)).status_code == 404
    await registry.get("/organizations/", token=made.json()["token"], status=401)
    await registry.delete(f"{MEMBERS}{added['id']}/", status=404)
    await registry.get(f"{MEMBERS}x/", status=404)


async def test_only_owners_decide_about_owners(registry):
    manager = await registry.join("ann@example.org", "manager")
    session = await registry.sign_in("ann@example.org", manager["password"])
    (owner, _) = await registry.get(MEMBERS)
    for method, path, json in (
        ("PUT", f"{MEMBERS}{owner['id']}/", {"role": "member"}),
        ("PUT", f"{MEMBERS}{manager['id']}/", {"role": "owner"}),
        ("DELETE", f"{MEMBERS}{owner['id']}/", None),
    ):
        answer = await registry.http.request(method, f"/api/0{path}", json=json, headers=session)
        assert (answer.status_code, answer.json()["code"]) == (403, "owners_only")


async def test_a_token_gives_no_role_that_allows_more_than_itself(registry):
    admin = await registry.join("ann@example.org", "admin")
    scopes = [*ROLE_SCOPES["member"], "member:write"]
    made = await registry.post("/organizations/demo/api-tokens/", {"scopes": scopes}, status=201)
    token = {"token": made["token"]}
    bob = await registry.join("bob@example.org", "member", **token)
    invited = await registry.post(MEMBERS, {"email": "cat@example.org", "role": "admin"}, status=201)
    for method, path, json in (
        ("POST", MEMBERS, {"email": "eve@example.org", "role": "manager"}),
        ("PUT", f"{MEMBERS}{bob['id']}/", {"role": "admin"}),
        ("PUT", f"{MEMBERS}{admin['id']}/", {"role": "member"}),
        ("PUT", f"{MEMBERS}{invited['id']}/", {"reinvite": True}),
        ("DELETE", f"{MEMBERS}{admin['id']}/", None),
    ):
        refused = await registry.call(method, path, json, status=403, **token)
        assert refused["code"] == "role_beyond_scopes"
        assert "project:write" in refused["detail"]
    await registry.delete(f"{MEMBERS}{bob['id']}/", **token)


async def test_the_last_owner_stays(registry):
    (owner,) = await registry.get(MEMBERS)
    path = f"{MEMBERS}{owner['id']}/"
    await registry.post(MEMBERS, {"email": "bob@example.org", "role": "owner"}, status=201)
    assert (await registry.put(path, {"role": "member"}, status=400))["code"] == "last_owner"
    assert (await registry.delete(path, status=400))["code"] == "last_owner"
    await registry.put(path, {"role": "owner"})
    second = await registry.join("ann@example.org", "owner")
    await registry.delete(f"{MEMBERS}{second['id']}/")


MALFORMED = [
    {}, {"email": "ann"}, {"email": "a b@example.org"}, {"email": "a@b\r\nBcc: c@d"}, {"email": "@example.org"},
    {"email": "x" * 251 + "@b.c"}, {"email": 5}, {"email": "a@b.c", "role": "king"},
    {"email": "a@b.c", "role": None}, {"email": "a@b.c", "orgRole": "king"},
]  # fmt: skip


async def test_a_malformed_member_is_400_and_changes_nothing(registry):
    for body in MALFORMED:
        await registry.post(MEMBERS, body, status=400)
    (owner,) = await registry.get(MEMBERS)
    for body in ({}, {"role": "king"}, {"role": None}, {"reinvite": "yes"}, []):
        await registry.put(f"{MEMBERS}{owner['id']}/", body, status=400)
    assert await registry.get(MEMBERS) == [owner]


@pytest.mark.parametrize("email", ["nonsense", "a@b c", "é@example.org", "@", ""])
async def test_an_address_that_is_none_is_refused_in_words(registry, email):
    answer = await registry.post(MEMBERS, {"email": email}, status=400)
    assert answer["detail"] == "email: Give an e-mail address, such as ada@example.com."
