"""The audit log: who changed what, and when."""

import re

from hearback_contracts.flags import Feature
from hearback_contracts.roles import SCOPES

LOG = "/organizations/demo/audit-logs/"


async def rows(registry, query=""):
    return (await registry.get(LOG + query))["rows"]


async def latest(registry, count=1):
    return (await rows(registry))[:count]


async def test_a_flag_that_changed_tells_who_what_and_when(registry):
    at = registry.clock.now()
    await registry.http.put(
        "/api/0/organizations/demo/",
        json={"features": {Feature.INGEST: False, Feature.UI: True}},
        headers=registry.headers() | {"X-Forwarded-For": "192.0.2.1"},
    )
    (entry,) = await latest(registry)
    assert entry["event"] == "org.edit"
    assert entry["note"] == "edited the organization: organizations:user-feedback-ingest from true to false"
    assert entry["data"] == {"changes": {Feature.INGEST: {"old": True, "new": False}}}
    assert (entry["actor"]["email"], entry["actor"]["name"]) == (registry.demo["admin_email"], "Owner")
    assert (entry["ipAddress"], entry["targetObject"]) == ("192.0.2.1", 1)
    assert entry["dateCreated"] == at.isoformat().replace("+00:00", "Z")


async def test_an_option_that_changed_is_reported_with_both_values(registry):
    change = {"name": "Shop", "options": {"sentry:origins": ["a.example"], "feedback:branding": True}}
    await registry.put("/projects/demo/web/", change)
    (entry,) = await latest(registry)
    assert entry["event"] == "project.edit"
    assert entry["note"] == "edited the project web: name from web to Shop, sentry:origins from [*] to [a.example]"
    await registry.put("/projects/demo/web/quotas/", [{"id": "q", "limit": 0}])
    (entry,) = await latest(registry)
    assert list(entry["data"]["changes"]) == ["quotas"]


async def test_what_changes_nothing_is_not_logged(registry):
    before = await rows(registry)
    await registry.put("/organizations/demo/", await registry.get("/organizations/demo/"))
    await registry.put("/projects/demo/web/", await registry.get("/projects/demo/web/"))
    await registry.put("/projects/demo/web/quotas/", [])
    await registry.put("/projects/demo/web/", {"options": {"sentry:nothing": True}}, status=400)
    assert await rows(registry) == before


async def test_every_kind_of_change_is_logged(registry):
    key = await registry.post("/projects/demo/web/keys/", {"name": "Mobile"}, status=201)
    path = f"/projects/demo/web/keys/{key['id']}/"
    await registry.put(path, {"isActive": False, "name": "App"})
    await registry.put(path, {"isActive": True})
    rotated = await registry.post(f"{path}rotate/")
    await registry.delete(path)
    await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    ann = await registry.join("ann@example.org")
    await registry.put(f"/organizations/demo/members/{ann['id']}/", {"role": "admin"})
    await registry.delete(f"/organizations/demo/members/{ann['id']}/")
    made = await registry.post(
        "/organizations/demo/api-tokens/", {"scopes": ["event:read"], "name": "CI"}, status=201
    )
    await registry.delete(f"/organizations/demo/api-tokens/{made['id']}/")
    found = [(entry["event"], entry["note"]) for entry in reversed(await rows(registry))]
    (first,) = await registry.get("/projects/demo/web/keys/")
    scopes = ", ".join(sorted(SCOPES))
    assert found == [
        ("org.create", "created the organization demo"),
        ("member.add", "added owner@demo.example.com as owner"),
        ("project.create", "created the project web"),
        (
            "api-token.create",
            f"created the API token bootstrap ({scopes})",
        ),
        ("projectkey.create", f"added the client key {key['public']} to the project web"),
        ("projectkey.disable", f"disabled the client key {key['public']} of the project web"),
        ("projectkey.edit", f"edited the client key {key['public']} of the project web: name from Mobile to App"),
        ("projectkey.enable", f"enabled the client key {key['public']} of the project web"),
        ("projectkey.rotate", f"rotated the client key {key['public']} of the project web to {rotated['public']}"),
        ("projectkey.remove", f"removed the client key {rotated['public']} from the project web"),
        ("project.create", "created the project second"),
        ("member.invite", "invited ann@example.org as member"),
        ("member.accept-invite", "accepted the invitation of ann@example.org as member"),
        ("member.edit", "edited the member ann@example.org: role from member to admin"),
        ("member.remove", "removed ann@example.org"),
        ("api-token.create", "created the API token CI (event:read)"),
        ("api-token.remove", "revoked the API token CI"),
    ]
    assert first["public"] == registry.demo["public_key"]


async def test_the_operator_has_no_account(registry):
    entry = (await rows(registry))[-1]
    assert entry["actor"] == {"id": None, "name": "operator", "email": None}
    assert entry["ipAddress"] is None


async def test_it_is_paged_and_filtered(registry):
    for name in ("a", "b", "c"):
        await registry.put("/organizations/demo/", {"name": name})
    ann = await registry.join("ann@example.org", "manager")
    session = await registry.sign_in("ann@example.org", ann["password"])
    await registry.http.put("/api/0/organizations/demo/", json={"name": "d"}, headers=session)
    edits = await registry.get(f"{LOG}?event=org.edit")
    assert [row["data"]["changes"]["name"]["new"] for row in edits["rows"]] == ["d", "c", "b", "a"]
    assert {"org.edit", "project.edit", "member.invite"} <= set(edits["options"])
    mine = await rows(registry, f"?event=org.edit&actor={ann['user']['id']}")
    assert [row["data"]["changes"]["name"]["new"] for row in mine] == ["d"]
    await registry.get(f"{LOG}?actor=x", status=400)

    found, url = [], f"/api/0{LOG}?event=org.edit&per_page=3"
    for expected in (3, 1):
        answer = await registry.http.get(url, headers=registry.headers())
        assert len(answer.json()["rows"]) == expected
        found += answer.json()["rows"]
        url = re.search(r'<([^>]*)>; rel="next"', answer.headers["Link"]).group(1)
    assert found == edits["rows"]
    assert 'rel="next"; results="false"' in answer.headers["Link"]


async def test_tenants_have_logs_of_their_own(registry, other):
    await registry.put("/organizations/demo/", {"name": "renamed"})
    theirs = (await registry.get("/organizations/other/audit-logs/", token=other["token"]))["rows"]
    assert {row["event"] for row in theirs} == {"org.create", "member.add", "project.create", "api-token.create"}
    assert "demo" not in str(theirs)
