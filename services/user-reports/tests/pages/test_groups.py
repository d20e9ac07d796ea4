"""The page of an error group and its User Feedback tab."""

from typing import Any

from hearback_devkit.testing.pages import READS
from hearback_kit.values.ids import random_id

GROUP = "/organizations/demo/issues/1/"
TAB = f"{GROUP}feedback/"
HOSTILE = "<script>alert(1)</script>"


async def test_a_group_shows_what_happened(harness: Any, browser: Any, event_id: str) -> None:
    await harness.deliver(harness.event(random_id(), environment="production"))
    await harness.deliver(harness.event(event_id, url="https://shop.example/cart", transaction="/cart"))
    await harness.deliver(harness.report(event_id, "It broke"))
    text = await browser.page(GROUP)
    for part in ("<h1", "boom", "WEB-ERR-1", "Unresolved", event_id, "staging", "production", "shop@1.0", "/cart",
                 "ada@example.com", "colour", "blue", 'href="https://shop.example/cart"'):  # fmt: skip
        assert part in text, part
    assert text.count("<h1") == 1
    assert (await browser.page("/organizations/demo/issues/web-err-1/")).count("boom")


async def test_every_value_is_text(harness: Any, browser: Any, event_id: str) -> None:
    fields = dict.fromkeys(("environment", "release", "dist", "transaction", "logger", "platform"), HOSTILE)
    user = dict.fromkeys(("id", "email", "username", "name", "ip_address"), HOSTILE)
    await harness.deliver(
        harness.event(event_id, message=HOSTILE, tags={HOSTILE: HOSTILE}, user=user, url="javascript:alert(1)",
            trace={"trace_id": HOSTILE}, replay_id=HOSTILE, sdk=HOSTILE, **fields),
        harness.report(event_id, payload={"event_id": event_id, "name": HOSTILE, "comments": HOSTILE * 100}),
    )  # fmt: skip
    for path in (GROUP, TAB, "/organizations/demo/user-feedback/?view=linked"):
        text = await browser.page(path)
        assert HOSTILE not in text
        assert "&lt;script&gt;" in text
        assert 'href="javascript:' not in text


async def test_long_and_missing_content(harness: Any, browser: Any, event_id: str) -> None:
    tags = {f"tag{n}": "v" * 200 for n in range(200)}
    await harness.deliver(harness.event(event_id, message="x" * 9_000, tags=tags))
    text = await browser.page(GROUP)
    assert "more tags" in text
    bare = random_id()
    await harness.deliver(harness.event(bare, message=None, tags={}, user=None, environment=None, release=None))
    assert (await harness.rows("SELECT count(*) AS n FROM groups"))[0].n == 2
    await browser.page("/organizations/demo/issues/3/")
    await harness.execute("DELETE FROM events")
    assert "Its events are gone" in await browser.page(GROUP)


async def test_the_tab_shows_reports_and_linked_feedback(
    harness: Any, browser: Any, linked: Any, event_id: str
) -> None:
    await harness.deliver(harness.event(event_id), harness.report(event_id, "It broke"))
    linked.answer = [
        {"id": "2", "shortId": "WEB-2", "title": "t", "status": "resolved", "project": {"slug": "web"},
         "metadata": {"message": f"The cart {HOSTILE}", "name": None, "contact_email": "a@example.com"}}
    ]  # fmt: skip
    text = await browser.page(TAB)
    assert "It broke" in text
    assert "Grace" in text
    assert f"/submissions/{event_id}/?project=web" in text
    assert "/organizations/demo/feedback/?feedbackSlug=web%3A2" in text
    assert HOSTILE not in text
    assert linked.asked == [(1, 1, [event_id])]
    linked.answer = None
    text = await browser.page(TAB)
    assert "It broke" in text
    assert "did not answer" in text


async def test_the_tab_without_reports(harness: Any, browser: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id))
    assert "No reports on this page" in await browser.page(TAB)


async def test_a_group_is_resolved_and_that_taken_back(harness: Any, browser: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id))
    answer = await browser.post(GROUP, status="resolved")
    assert (answer.status_code, answer.headers["location"]) == (303, GROUP)
    text = await browser.page(GROUP)
    assert "Resolved." in text
    assert "Undo" in text
    await browser.post(GROUP, status="unresolved")
    assert "Reopened." in await browser.page(TAB)
    await browser.post(GROUP, follows="1")
    assert "Unfollow" in await browser.page(GROUP)
    assert (await browser.post(GROUP, status="gone")).status_code == 400
    for token in ("", "x"):
        assert (await browser.post(GROUP, token=token, status="ignored")).status_code == 403


async def test_who_may_see_and_change_it(harness: Any, browser: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id), harness.event(project_id=3, organization_id=2))
    await browser.page("/organizations/demo/issues/3/", 404)
    await browser.page("/organizations/organization-2/issues/3/", 404)
    for issue in ("2", "99", "x", "WEB-ERR-3", "WEB-ERR-ZZZ"):
        await browser.page(f"/organizations/demo/issues/{issue}/", 404)
    browser.sign_in(scopes=READS)
    assert 'name="status"' not in await browser.page(GROUP)
    assert (await browser.post(GROUP, status="resolved")).status_code == 403
    browser.sign_in(scopes=("project:read",))
    for path in (GROUP, TAB, "/organizations/demo/user-feedback/"):
        await browser.page(path, 403)
    browser.sign_in(tenants={2: "owner"})
    for path in (GROUP, TAB, "/organizations/demo/user-feedback/", "/organizations/organization-2/issues/1/"):
        await browser.page(path, 404)
    browser.client.cookies.clear()
    for path in (GROUP, TAB, "/organizations/demo/user-feedback/"):
        assert (await browser.client.get(path)).status_code == 303
