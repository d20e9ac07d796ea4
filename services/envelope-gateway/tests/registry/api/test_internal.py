import asyncio

import orjson
import pytest
from hearback_contracts.roles import SCOPES
from hearback_kit.auth import hash_secret


async def test_bootstrap_makes_the_first_project_number_one(registry):
    demo = registry.demo
    assert (demo["organization"], demo["project"], demo["project_id"]) == ("demo", "web", 1)
    assert len(demo["public_key"]) == 32
    assert demo["admin_password"]
    assert "@" in demo["admin_email"]


async def test_bootstrap_again_gives_the_same_project_and_a_new_token(registry):
    again = await registry.bootstrap("demo", "web")
    same = ("organization", "project", "project_id", "public_key", "admin_email", "admin_password")
    assert [again[name] for name in same] == [registry.demo[name] for name in same]
    assert again["token"] != registry.demo["token"]
    for token in (again["token"], registry.demo["token"]):
        await registry.get("/organizations/demo/", token=token)


async def test_bootstrap_adds_a_project_to_an_organization_that_exists(registry):
    added = await registry.bootstrap("demo", "mobile")
    assert added["admin_email"] == registry.demo["admin_email"]
    slugs = [row["slug"] for row in await registry.get("/organizations/demo/projects/", token=added["token"])]
    assert slugs == ["web", "mobile"]


async def test_bootstrap_at_once_makes_everything_once(registry):
    answers = await asyncio.gather(*(registry.bootstrap("new", "app") for _ in range(4)))
    assert len({(answer["project_id"], answer["public_key"]) for answer in answers}) == 1
    assert len({answer["admin_password"] for answer in answers}) == 1
    assert len(await registry.get("/organizations/new/members/", token=answers[0]["token"])) == 1


async def test_bootstrap_whose_answer_was_lost_gives_the_password_until_it_is_changed(registry):
    await registry.bootstrap("new", "app")
    again = await registry.bootstrap("new", "app")
    assert again["admin_password"] != registry.demo["admin_password"]
    session = await registry.sign_in(again["admin_email"], again["admin_password"])
    change = {"password": "a better one", "currentPassword": again["admin_password"]}
    answer = await registry.http.put("/api/0/users/me/", json=change, headers=session)
    assert answer.status_code == 200
    assert (await registry.bootstrap("new", "app"))["admin_password"] is None


async def test_bootstrap_gives_a_key_to_a_project_without_one(registry):
    (key,) = await registry.get("/projects/demo/web/keys/")
    await registry.put(f"/projects/demo/web/keys/{key['id']}/", {"isActive": False})
    again = await registry.bootstrap("demo", "web")
    assert again["public_key"] != key["public"]
    assert len(await registry.get("/projects/demo/web/keys/")) == 2


@pytest.mark.parametrize("slug", ["", "Upper", "1", "a/b", "x" * 51])
async def test_bootstrap_refuses_what_is_no_slug(registry, slug):
    for body in ({"organization": slug, "project": "web"}, {"organization": "demo", "project": slug}):
        answer = await registry.service.request("POST", "/internal/bootstrap", body=orjson.dumps(body))
        assert answer.status_code == 400


async def test_introspection_tells_who_holds_a_secret(registry):
    found = await registry.service.get_json(f"/internal/introspect/token/{hash_secret(registry.demo['token'])}")
    assert found == {
        "kind": "token",
        "id": "1",
        "email": registry.demo["admin_email"],
        "tenants": {"1": "owner"},
        "scopes": sorted(SCOPES),
    }
    login = {"email": registry.demo["admin_email"], "password": registry.demo["admin_password"]}
    await registry.http.post("/api/0/auth/login/", json=login)
    digest = hash_secret(registry.http.cookies["hearback_session"])
    assert await registry.service.get_json(f"/internal/introspect/session/{digest}") == found | {"kind": "session"}


@pytest.mark.parametrize("path", ["token/unknown", "session/unknown", "cookie/unknown"])
async def test_introspection_of_an_unknown_secret_is_404(registry, path):
    assert await registry.service.get_json(f"/internal/introspect/{path}") is None


async def test_the_feedback_service_notes_what_a_project_has_seen(registry):
    async def note(project_id, body):
        answer = await registry.service.request(
            "PUT", f"/internal/projects/{project_id}/flags", body=orjson.dumps(body)
        )
        return answer.status_code

    assert await note(1, {"hasFeedbacks": True}) == 204
    found = await registry.get("/projects/demo/web/")
    assert (found["hasFeedbacks"], found["hasNewFeedbacks"]) == (True, False)
    assert await note(1, {"hasFeedbacks": True, "hasNewFeedbacks": True}) == 204
    assert (await registry.get("/projects/demo/web/"))["hasNewFeedbacks"] is True
    assert await note(99, {"hasFeedbacks": True}) == 404
    assert await note(1, {"hasFeedbacks": "yes"}) == 400
    assert await note(0, {"hasFeedbacks": True}) == 400
