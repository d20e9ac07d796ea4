"""The link in a mail that switches off alerts."""

ALERTS = "/users/me/notifications/alerts/"


async def recipients(registry):
    return await registry.service.get_json("/internal/projects/1/recipients")


async def test_one_click_unsubscribes_from_one_project(registry):
    (owner,) = await recipients(registry)
    url = owner["unsubscribe_url"]
    assert url.startswith("https://feedback.example.org/unsubscribe/")
    second = await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    for _ in range(2):
        answer = await registry.http.post(url, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "no mail about the project web" in answer.text
        assert await registry.get(ALERTS) == {"1": 0, second["id"]: 1}
    await registry.put(ALERTS, {"1": 1})
    assert (await recipients(registry))[0]["alerts"] is True


async def test_a_look_changes_nothing(registry):
    """Mail scanners follow every link."""
    (owner,) = await recipients(registry)
    page = await registry.http.get(owner["unsubscribe_url"])
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    assert (await recipients(registry))[0]["alerts"] is True
    await registry.http.post(owner["unsubscribe_url"])
    assert '<form method="post">' not in (await registry.http.get(owner["unsubscribe_url"])).text


async def test_a_made_up_link_is_404(registry):
    (owner,) = await recipients(registry)
    token = owner["unsubscribe_url"].rstrip("/").rpartition("/")[2]
    user, project, signature = token.split(".")
    for made_up in (f"{user}.2.{signature}", f"2.{project}.{signature}", f"{token}x", "x", f"{user}.{project}."):
        for method in ("GET", "POST"):
            answer = await registry.http.request(method, f"/unsubscribe/{made_up}/")
            assert answer.status_code == 404
            assert "not valid" in answer.text


async def test_somebody_who_left_gets_no_mail_and_is_not_refused(registry):
    """A mail program that is refused would say that it could not unsubscribe."""
    ann = await registry.join("ann@example.org")
    (_, member) = await recipients(registry)
    await registry.delete(f"/organizations/demo/members/{ann['id']}/")
    for method in ("GET", "POST"):
        answer = await registry.http.request(method, member["unsubscribe_url"])
        assert (answer.status_code, "get no mail about it any more" in answer.text) == (200, True)
        assert "<form" not in answer.text.partition("<main")[2].partition("</main>")[0]
