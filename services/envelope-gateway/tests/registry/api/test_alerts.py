"""Alerts per member and project."""

import pytest

ALERTS = "/users/me/notifications/alerts/"


async def recipients(registry, project_id=1):
    return await registry.service.get_json(f"/internal/projects/{project_id}/recipients")


@pytest.mark.parametrize("role", ["viewer", "member"])
async def test_members_get_alerts_unless_they_switch_them_off(registry, other, role):
    ann = await registry.join("ann@example.org", role)
    session = await registry.sign_in("ann@example.org", ann["password"])
    owner, member = await recipients(registry)
    assert (owner["email"], owner["role"], owner["alerts"]) == (registry.demo["admin_email"], "owner", True)
    assert (member["email"], member["alerts"], member["language"]) == ("ann@example.org", True, None)
    assert (member["user_id"], member["is_email_verified"]) == (int(ann["user"]["id"]), False)

    answer = await registry.http.put(f"/api/0{ALERTS}", json={"1": 0}, headers=session)
    assert (answer.status_code, answer.json()) == (200, {"1": 0})
    assert [row["alerts"] for row in await recipients(registry)] == [True, False]
    assert (await registry.http.get(f"/api/0{ALERTS}", headers=session)).json() == {"1": 0}
    for on in (1, "1", -1):
        await registry.http.put(f"/api/0{ALERTS}", json={"1": 0}, headers=session)
        assert (await registry.http.put(f"/api/0{ALERTS}", json={"1": on}, headers=session)).json() == {"1": 1}


async def test_they_hold_for_one_project(registry):
    second = await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    assert await registry.put(ALERTS, {second["id"]: "0"}) == {"1": 1, second["id"]: 0}
    assert [row["alerts"] for row in await recipients(registry)] == [True]
    assert [row["alerts"] for row in await recipients(registry, int(second["id"]))] == [False]


async def test_invited_and_removed_people_are_no_recipients(registry):
    await registry.post("/organizations/demo/members/", {"email": "bob@example.org"}, status=201)
    ann = await registry.join("ann@example.org")
    assert len(await recipients(registry)) == 2
    await registry.delete(f"/organizations/demo/members/{ann['id']}/")
    assert len(await recipients(registry)) == 1
    assert await recipients(registry, 99) == []


@pytest.mark.parametrize("body", [{"1": 2}, {"1": "on"}, {"1": None}, {"1": []}, [], "x"])
async def test_a_malformed_setting_is_400(registry, body):
    await registry.put(ALERTS, body, status=400)


@pytest.mark.parametrize("project", ["99", "x", "2"])
async def test_a_project_of_others_is_404(registry, other, project):
    await registry.put(ALERTS, {project: 0, "1": 0}, status=404)
    assert await registry.get(ALERTS) == {"1": 1}


async def test_a_language_can_be_chosen(registry):
    session = await registry.sign_in()
    for language in ("de", "pt-BR"):
        body = {"options": {"language": language}}
        answer = await registry.http.put("/api/0/users/me/", json=body, headers=session)
        assert (answer.status_code, answer.json()["options"]) == (200, {"language": language})
        assert (await recipients(registry))[0]["language"] == language
    for language in ("", "german please", "x", 5, "de\x00"):
        body = {"options": {"language": language}}
        assert (await registry.http.put("/api/0/users/me/", json=body, headers=session)).status_code == 400


async def test_what_changes_recipients_is_announced(registry, redis):
    """Who keeps recipients asks again when something of the project or its organization is published."""

    async def changes():
        return await redis.xlen("hearback:snapshot-changes")

    (owner,) = await recipients(registry)
    session = await registry.sign_in()
    body = {"options": {"language": "de"}}
    for change in (
        lambda: registry.put(ALERTS, {"1": 0}),
        lambda: registry.http.post(owner["unsubscribe_url"], data={"List-Unsubscribe": "One-Click"}),
        lambda: registry.http.put("/api/0/users/me/", json=body, headers=session),
        lambda: registry.join("ann@example.org"),
    ):
        before = await changes()
        await change()
        assert await changes() > before
    before = await changes()
    await registry.put(ALERTS, {"1": 0})  # as it is already
    assert await changes() == before
