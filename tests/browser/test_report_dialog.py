"""`showReportDialog` of every SDK generation: from the error to the linked feedback."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

SDKS = [f"sentry-browser-{major}" for major in (5, 6, 7, 8, 10, 11)] + ["raven-js"]
TELL_CLOSING = {f"sentry-browser-{major}" for major in (7, 8, 10, 11)}
COMMENTS = "I paid, and then nothing happened."


async def fail_and_ask(page: Page, **options: Any) -> str:
    """Let the shop's error happen and its dialog open; returns the error's event id."""
    event_id: str = await page.evaluate("fail()")
    await page.evaluate("options => ask(options)", {"eventId": event_id, **options})
    await page.locator(".sentry-error-embed").wait_for()
    return event_id.replace("-", "")


async def assert_linked(project: Any, wait_until: Any, event_id: str) -> None:
    """The report, the error and the feedback are there, and belong together."""
    base = f"/api/0/projects/{project.organization}/{project.project}"
    error = project.indexed(event_id)
    issue = wait_until(lambda: project.issues(f"associated_event_id:{event_id}"))[0]
    assert issue["metadata"]["message"] == COMMENTS
    assert issue["metadata"]["name"] == "Jane Doe"
    assert issue["metadata"]["contact_email"] == "jane@example.com"
    assert issue["metadata"]["source"] == "crash_report_embed_form"
    (report,) = wait_until(lambda: project.get(f"{base}/user-feedback/"))
    assert report["eventID"] == event_id
    assert (report["name"], report["email"], report["comments"]) == ("Jane Doe", "jane@example.com", COMMENTS)
    assert report["issue"]["id"] == error["groupID"]
    fate = project.kept(event_id)
    assert fate["state"] == "linked"
    assert fate["source"] == "crash_report_embed_form"
    assert fate["feedbackId"] == issue["id"]
    project.settle()
    assert [step["service"] for step in project.submission(event_id)["steps"]].count("crash-embed") == 1
    assert len(project.issues()) == 1


@pytest.mark.parametrize("sdk", SDKS)
async def test_error_is_reported_by_keyboard_and_linked(
    project: Any, wait_until: Any, open_shop: Any, sdk: str
) -> None:
    page = await open_shop(sdk, project.dsn)
    event_id = await fail_and_ask(page)
    for text in ("Jane Doe", "jane@example.com", COMMENTS):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Thank you!")
    await page.keyboard.press("Enter")
    await expect(page.locator(".sentry-error-embed")).to_have_count(0)
    if sdk != "raven-js":  # it knows neither callback
        await page.wait_for_function("counts.load === 1")
    if sdk in TELL_CLOSING:
        await page.wait_for_function("counts.close === 1")
    assert await page.evaluate("document.activeElement.id") == "pay"
    await assert_linked(project, wait_until, event_id)


@pytest.mark.parametrize("sdk", ["sentry-browser-7", "sentry-browser-11"])
async def test_prefilled_user_and_own_texts(project: Any, open_shop: Any, sdk: str) -> None:
    page = await open_shop(sdk, project.dsn)
    await fail_and_ask(
        page,
        user={"name": "Jörg <b>", "email": "joerg@example.com"},
        title="Oh <i>nein</i>",
        labelComments="Was ist geschehen?",
        lang="de",
    )
    assert await page.locator("[name=name]").input_value() == "Jörg <b>"
    assert await page.locator("[name=email]").input_value() == "joerg@example.com"
    await expect(page.get_by_role("heading", level=2)).to_have_text("Oh <i>nein</i>")
    await expect(page.get_by_label("Was ist geschehen?")).to_be_focused()
    await expect(page.get_by_role("button", name="Schließen")).to_be_visible()


async def test_text_is_kept_while_the_server_is_down(
    project: Any, wait_until: Any, open_shop: Any, gate: Any
) -> None:
    host = urlsplit(project.dsn).netloc.rpartition("@")[2]
    page = await open_shop("sentry-browser-10", project.dsn.replace(host, f"127.0.0.1:{gate.port}"))
    event_id = await fail_and_ask(page, user={"name": "Jane Doe", "email": "jane@example.com"})
    project.indexed(event_id)
    await page.locator("[name=comments]").fill(COMMENTS)
    gate.fall()
    await page.get_by_role("button", name="Send report").click()
    await expect(page.get_by_role("alert").filter(has_text="could not be sent")).to_be_visible()
    assert await page.locator("[name=comments]").input_value() == COMMENTS
    gate.rise()
    await page.get_by_role("button", name="Send report").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you!")
    await assert_linked(project, wait_until, event_id)


async def test_page_that_traces_all_requests_can_send(project: Any, wait_until: Any, open_shop: Any) -> None:
    page = await open_shop(
        "sentry-browser-10", project.dsn, tracesSampleRate=1.0, tracePropagationTargets=["127.0.0.1"]
    )
    await page.evaluate("SDK.addIntegration(SDK.browserTracingIntegration())")
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.headers.get("sentry-trace", "")))
    event_id = await fail_and_ask(page, user={"name": "Jane Doe", "email": "jane@example.com"})
    await page.locator("[name=comments]").fill(COMMENTS)
    await page.get_by_role("button", name="Send report").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you!")
    assert any(seen)
    await assert_linked(project, wait_until, event_id)


async def test_refused_origin_shows_nothing(project: Any, wait_until: Any, open_shop: Any) -> None:
    path = f"/api/0/projects/{project.organization}/{project.project}/"
    changed = project.http.put(path, json={"options": {"sentry:origins": ["https://shop.example"]}})
    assert changed.status_code == 200
    query = {"dsn": project.dsn, "eventId": "f" * 32}
    origin = {"Origin": "http://localhost"}
    wait_until(lambda: project.http.get("/api/embed/error-page/", params=query, headers=origin).status_code == 403)
    page = await open_shop("sentry-browser-11", project.dsn)
    async with page.expect_event("requestfailed", lambda request: "error-page" in request.url):
        await page.evaluate("ask({eventId: 'f'.repeat(32)})")
    assert await page.locator(".sentry-error-embed").count() == 0
    assert await page.evaluate("counts.load") == 0
