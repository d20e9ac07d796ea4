"""What people do here, from their first sign-in on: in Chromium, against the whole fleet."""

import asyncio
import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from world import World, png

WORDS = "The cart shows someone else's things"
WIDGET = "SDK.addIntegration(SDK.feedbackIntegration({autoInject: true, enableScreenshot: true}))"


@pytest.fixture
def site(fleet: Any) -> str:
    """The address of the fleet."""
    return str(fleet.url)


def inbox_of(organization: str, **query: object) -> str:
    """Return the address of an inbox."""
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/organizations/{organization}/feedback/{f'?{text}' if text else ''}"


def row(page: Page, words: str) -> Any:
    """Return the row of a feedback in the list."""
    return page.locator("#rows > .list-row", has_text=words)


async def sign_in(page: Page, site: str, email: str, password: str, path: str = "/") -> None:
    """Sign in by the form, on the way to a page."""
    await page.goto(site + path)
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(lambda url: "/auth/" not in url)


async def test_a_newcomer(world: World, open_as: Any, open_capturing_shop: Any, site: str, tmp_path: Path) -> None:
    """Sign in, make a project, get feedback from a real widget, open, resolve, undo, find, export."""
    name = f"Shop {uuid.uuid4().hex[:6]}"
    organization = world.other.organization
    page = await open_as("newcomer", permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    new = f"/organizations/{organization}/projects/new/"
    await sign_in(page, site, world.other.admin_email, world.other.admin_password, new)
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Platform").select_option("javascript")
    await page.get_by_role("button", name="Create the project").click()
    await page.wait_for_url("**/getting-started/**")
    await page.get_by_role("button", name=re.compile("Copy: DSN")).click()
    dsn = await page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"http://[0-9a-f]{32}@[^/]+/\d+", dsn)

    shop: Page = await open_capturing_shop("sentry-browser-11", dsn)
    await shop.evaluate(WIDGET)
    await shop.get_by_role("button", name="Report a Bug").click()
    await shop.get_by_label("Name").fill("Jane Doe")
    await shop.get_by_label("Description").fill(WORDS)
    await shop.get_by_role("button", name="Add a screenshot").click()
    await expect(shop.get_by_role("button", name="Remove screenshot")).to_be_visible()
    await shop.get_by_role("button", name="Send Bug Report").click()

    await expect(page.get_by_text("Your first feedback has arrived.")).to_be_visible()
    await page.get_by_role("link", name="Open the inbox").click()
    await row(page, WORDS).locator(".list-title").click()
    await expect(page.locator(".fb-message")).to_have_text(WORDS)
    await page.locator(".shot").first.click()
    await expect(page.locator("#viewer-image")).not_to_have_js_property("naturalWidth", 0)
    await page.keyboard.press("Escape")

    await page.locator(".fb-actions").get_by_role("button", name="Resolve").click()
    await expect(row(page, WORDS)).to_have_count(0)
    await page.locator("#toasts").get_by_role("button", name="Undo").click()
    await expect(row(page, WORDS)).to_have_count(1)
    await page.locator("[data-search]").fill("cart someone")
    await page.keyboard.press("Enter")
    await expect(page.locator('a[href*="format=csv"][href*="cart"]')).to_have_count(1)  # the list was replaced
    await expect(row(page, WORDS)).to_have_count(1)
    await page.locator('summary[aria-label="Export"]').click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="CSV").click()
    await (await download.value).save_as(tmp_path / "feedback.csv")
    assert WORDS in (tmp_path / "feedback.csv").read_text()


async def test_triage_by_keyboard_alone(world: World, open_as: Any, site: str, wait_until: Any) -> None:
    """No pointer: move, open, resolve, undo, spam, unread, search, help."""
    project = world.fleet.new_project(world.full.organization)
    words = [f"{word} {uuid.uuid4().hex[:6]}" for word in ("First", "Second", "Third")]
    for text in words:
        send_feedback(project, text)
    wait_until(lambda: len(project.issues()) == 3)
    page = await open_as("member", viewport={"width": 1280, "height": 800})
    await page.goto(site + inbox_of(world.full.organization, project=project.project_id))
    await expect(page.locator("#rows > .list-row")).to_have_count(3)
    titles = [text.split("\n")[0] for text in await page.locator("#rows .list-title").all_inner_texts()]
    press = page.keyboard.press
    await press("j")
    await press("Enter")
    message = page.locator(".fb-message")
    await expect(message).to_have_text(titles[0])
    await press("j")
    await expect(message).to_have_text(titles[1])
    await press("k")
    await expect(message).to_have_text(titles[0])
    await press("e")
    await expect(row(page, titles[0])).to_have_count(0)
    await press("z")
    await expect(row(page, titles[0])).to_have_count(1)
    await press("s")
    await expect(page.locator("#rows > .list-row")).to_have_count(2)
    await press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await press("Escape")
    await press("/")
    await page.keyboard.type("no such word at all")
    await press("Enter")
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    spam = wait_until(lambda: project.issues("is:ignored"))
    assert len(spam) == 1
    assert spam[0]["metadata"]["message"] in words


async def test_new_feedback_is_announced_and_moves_nothing(
    world: World, open_as: Any, site: str, wait_until: Any
) -> None:
    """A bar counts what arrived, and a late picture marks its row; rows stay where they are until one opens it."""
    project = world.fleet.new_project(world.full.organization)
    event_id = send_feedback(project, "Here before")
    wait_until(project.issues)
    page = await open_as("member", viewport={"width": 1280, "height": 800})
    await page.goto(site + inbox_of(world.full.organization, project=project.project_id))
    first = page.locator("#rows > .list-row").first
    before = await first.bounding_box()
    await expect(first.locator(".has-files")).to_have_count(0)
    await page.evaluate(
        """() => { window.shifts = 0; new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.shifts += entry.value;
        }).observe({type: "layout-shift", buffered: false}); }"""
    )
    send_feedback(project, "Arrived just now")
    news = page.locator("#news")
    await expect(news).to_be_visible()
    picture = ({"type": "attachment", "filename": "late.png", "content_type": "image/png"}, png())
    project.send(picture, header={"event_id": event_id})
    await expect(first.locator(".has-files")).to_be_visible()
    assert await first.bounding_box() == before
    assert await page.evaluate("window.shifts") == 0
    await news.click()
    await expect(page.locator("#rows > .list-row")).to_have_count(2)


async def test_a_viewer_sees_and_cannot_change(world: World, open_as: Any, site: str) -> None:
    """A viewer has no button that changes, and settings say so."""
    page = await open_as("viewer", viewport={"width": 1280, "height": 800})
    slug = f"{world.full.project}:{world.known['issue']}"
    await page.goto(site + inbox_of(world.full.organization, feedbackSlug=slug))
    await expect(page.locator(".fb-message")).to_be_visible()
    assert await page.locator("main form[method=post]").count() == 0
    await page.keyboard.press("e")
    await expect(page.locator(".toast")).to_have_count(0)
    settings = f"/settings/{world.full.organization}/projects/{world.full.project}/"
    for part in ("", "keys/", "user-feedback/", "quotas/"):
        await page.goto(f"{site}{settings}{part}")
        await expect(page.locator("h1")).to_be_visible()
        assert await page.locator("main form[method=post] button:enabled").count() == 0


async def test_without_scripts_one_reads_and_triages(
    world: World, open_as: Any, site: str, wait_until: Any
) -> None:
    """Links and forms are enough for one feedback."""
    project = world.fleet.new_project(world.full.organization)
    send_feedback(project, "Readable without scripts")
    wait_until(project.issues)
    page = await open_as("member", java_script_enabled=False)
    await page.goto(site + inbox_of(world.full.organization, project=project.project_id))
    await page.get_by_role("link", name=re.compile("Readable without scripts")).click()
    await expect(page.locator(".fb-message")).to_have_text("Readable without scripts")
    await page.locator(".fb-actions").get_by_role("button", name="Resolve").click()
    await page.get_by_role("button", name="Undo").click()
    assert wait_until(lambda: project.issues("is:unresolved"))


async def test_a_screenshot_that_comes_later_appears_by_itself(
    world: World, open_as: Any, site: str, wait_until: Any
) -> None:
    """Its event may arrive, and be read, before it."""
    project = world.fleet.new_project(world.full.organization)
    event_id = send_feedback(project, "The picture follows")
    number = wait_until(project.issues)[0]["id"]
    page = await open_as("member", viewport={"width": 1280, "height": 800})
    await page.goto(site + inbox_of(world.full.organization, feedbackSlug=f"{project.project}:{number}"))
    await expect(page.locator("#beside .skeleton")).to_have_count(0)
    await expect(page.locator(".shot")).to_have_count(0)
    picture = ({"type": "attachment", "filename": "late.png", "content_type": "image/png"}, png())
    answer = project.send(picture, header={"event_id": event_id})
    assert answer.status_code == 200, answer.text
    await expect(page.locator("#detail .shot img")).to_be_visible()
    await expect(page.locator("#detail")).to_contain_text("late.png")


async def test_a_late_picture_appears_though_another_feedback_was_open_meanwhile(
    world: World, open_as: Any, site: str, wait_until: Any
) -> None:
    """What was looked for in vain is looked for again when it is announced, and only until it is there."""
    project = world.fleet.new_project(world.full.organization)
    send_feedback(project, "Another")
    event_id = send_feedback(project, "The picture follows")
    issues = wait_until(lambda: len(found := project.issues()) == 2 and found)
    slug = next(f"{project.project}:{one['id']}" for one in issues if "picture" in one["metadata"]["message"])
    page = await open_as("member", viewport={"width": 1280, "height": 800})
    await page.clock.install()
    looks: list[str] = []
    page.on("request", lambda one: looks.append(one.url) if one.url.endswith("/files/") else None)

    async def open_row(words: str) -> None:
        await row(page, words).locator(".list-title").click()
        await expect(page.locator(".fb-message")).to_have_text(words)

    async with page.expect_response("**/files/"):  # looked for once the page listens
        await page.goto(site + inbox_of(world.full.organization, project=project.project_id, feedbackSlug=slug))
    await open_row("Another")
    await page.clock.fast_forward(60_000)
    await open_row("The picture follows")
    await page.route("**/files/", lambda route: route.fulfill(body=""), times=1)
    picture = ({"type": "attachment", "filename": "late.png", "content_type": "image/png"}, png())
    assert project.send(picture, header={"event_id": event_id}).status_code == 200
    await expect(page.locator("#detail .shot img")).to_be_visible()
    looks.clear()
    await page.clock.run_for(60_000)
    await open_row("Another")
    assert looks == []


async def test_what_comes_before_the_page_listens_appears_as_well(
    world: World, open_as: Any, site: str, wait_until: Any
) -> None:
    """A feedback, its picture, and the mark of its row, though none of the three was announced to the page."""
    project = world.fleet.new_project(world.full.organization)
    send_feedback(project, "No picture")
    wait_until(project.issues)
    event_id = send_feedback(project, "The picture follows")
    number = wait_until(lambda: len(found := project.issues()) == 2 and found)[0]["id"]
    page = await open_as("member", viewport={"width": 1280, "height": 800})
    listens = asyncio.Event()

    async def hold(route: Any) -> None:
        await listens.wait()
        await route.continue_()

    await page.route("**/live/", hold)
    slug = f"{project.project}:{number}"
    await page.goto(site + inbox_of(world.full.organization, project=project.project_id, feedbackSlug=slug))
    await expect(page.locator("#beside .skeleton")).to_have_count(0)
    picture = ({"type": "attachment", "filename": "late.png", "content_type": "image/png"}, png())
    assert project.send(picture, header={"event_id": event_id}).status_code == 200
    send_feedback(project, "Meanwhile")
    wait_until(lambda: project.issues("has_attachments:true") and len(project.issues()) == 3)
    await expect(page.locator("#detail .shot, #news:visible")).to_have_count(0)
    for refused in ("**/newer/**", "**/news/**"):  # each is asked once more
        await page.route(refused, lambda route: route.fulfill(status=429), times=1)
    looks: list[str] = []
    page.on("request", lambda one: looks.append(one.url) if "/attached/" in one.url else None)
    await page.clock.install()
    async with page.expect_response("**/newer/**"):
        listens.set()
    await page.clock.run_for(60_000)
    await expect(page.locator("#detail .shot img")).to_be_visible()
    await expect(row(page, "The picture follows").locator(".has-files")).to_be_visible()
    await expect(page.locator("#news")).to_have_text("1 new feedback")
    await page.clock.run_for(60_000)
    await page.evaluate("fetch(location.href)")  # what was asked before is known by then
    assert 1 <= len(looks) <= 3, "as long as a file that was announced before may be about to be recorded"
    await page.locator("#news").click()
    await expect(row(page, "Meanwhile")).to_be_visible()


async def test_a_page_that_comes_back_asks_a_little_later_what_it_missed(
    world: World, open_as: Any, site: str
) -> None:
    """After a restart all pages come back at once. What is more than an answer names is news as well."""
    page = await open_as("member", viewport={"width": 1280, "height": 800})
    await page.add_init_script("Math.random = () => 0.9")
    connected: list[float] = []
    asked: list[float] = []
    first_asked = asyncio.Event()

    async def follow(route: Any) -> None:
        if connected:
            await first_asked.wait()
        connected.append(time.monotonic())
        if len(connected) <= 2:
            stream = "retry: 10\n\nevent: following\ndata: {}\n\n"
            await route.fulfill(body=stream, content_type="text/event-stream")

    async def answer(route: Any) -> None:
        asked.append(time.monotonic())
        first_asked.set()
        await route.fulfill(json={"ids": [], "more": len(asked) == 2})

    await page.route("**/live/", follow)
    await page.route("**/newer/**", answer)
    await page.goto(site + inbox_of(world.full.organization))
    some = await page.locator("#inbox").get_attribute("data-some")
    await expect(page.locator("#news")).to_have_text(some)
    assert asked[1] - connected[1] >= 1.8


async def test_filters_of_several_environments_and_a_narrow_bar(
    world: World, open_as: Any, site: str, wait_until: Any
) -> None:
    """What is known is offered; keys meet the buttons of a narrow bar in the order in which they stand."""
    project = world.fleet.new_project(world.full.organization)
    for name in ("production", "staging", "canary"):
        send_feedback(project, f"From {name}", environment=name)
    issues = wait_until(lambda: len(found := project.issues()) == 3 and found)
    page = await open_as("member", viewport={"width": 1280, "height": 800})
    await page.goto(site + inbox_of(world.full.organization, project=project.project_id))
    await page.locator(".inbox-filter > summary").click()
    await page.get_by_role("checkbox", name="canary").check()
    await page.get_by_role("checkbox", name="staging").check()
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator("#rows > .list-row")).to_have_count(2)
    await expect(page.locator(".chips")).to_contain_text("canary")
    await page.get_by_role("link", name="Remove filter: canary").click()
    await expect(row(page, "From staging")).to_be_visible()
    await expect(page.locator("#rows > .list-row")).to_have_count(1)
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.goto(site + inbox_of(world.full.organization, feedbackSlug=f"{project.project}:{issues[0]['id']}"))
    await expect(page.locator(".fb-message")).to_be_visible()
    assert await page.evaluate(OUT_OF_ORDER) == []


# What comes in the page after what stands below it, or beside it on its right.
OUT_OF_ORDER = """() => {
  const found = [...document.querySelectorAll(".fb-bar a, .fb-bar button, .fb-bar select, .fb-bar summary")]
    .map((one) => [one, one.getBoundingClientRect()]).filter(([one, box]) => box.width && box.height);
  return found.filter(([, box], at) => at && (found[at - 1][1].top > box.bottom
    || (found[at - 1][1].bottom > box.top && found[at - 1][1].left > box.left)))
    .map(([one]) => one.outerHTML.slice(0, 120));
}"""


async def test_times_of_charts_are_written_as_the_reader_writes(world: World, open_as: Any, site: str) -> None:
    page = await open_as("member", viewport={"width": 1280, "height": 900}, locale="de-DE")
    await page.goto(f"{site}/organizations/{world.full.organization}/stats/?statsPeriod=24h")
    counted = page.locator(".u-legend .u-value").nth(1)
    await expect(counted).to_have_text("–")  # before one points at a time
    chart = page.locator(".chart .u-over")
    await chart.hover()
    legend = page.locator(".u-legend .u-value").first
    await expect(legend).to_have_text(re.compile(r"^\d{1,2}\. \w+\.? \d{4}, \d{2}:\d{2}$"))


def send_feedback(project: Any, message: str, **fields: Any) -> str:
    """Send a feedback as an SDK does; return its event id."""
    event = {"event_id": uuid.uuid4().hex, "contexts": {"feedback": {"message": message, "source": "widget"}}}
    event |= fields
    item = ({"type": "feedback"}, json.dumps(event).encode())
    answer = project.send(item, header={"event_id": event["event_id"]})
    assert answer.status_code == 200, answer.text
    return str(event["event_id"])


async def test_an_owner_changes_settings_and_sees_their_effect(
    world: World, open_as: Any, site: str, wait_until: Any
) -> None:
    """A name, a switch, the dialog, a key and a quota: changed on a page, seen by what is sent afterwards."""
    project = world.fleet.new_project(world.full.organization)
    base = f"{site}/settings/{world.full.organization}/projects/{project.project}/"
    page = await open_as("owner", viewport={"width": 1280, "height": 900})
    facts = f"/api/0/projects/{world.full.organization}/{project.project}/"

    await page.goto(base)
    await page.get_by_label("Name", exact=True).fill("Renamed shop")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Renamed shop")
    assert project.get(facts)["name"] == "Renamed shop"

    await page.goto(f"{base}user-feedback/")
    for switch in await page.locator("#handling [role=switch]").all():
        await switch.click()
    before = project.get(facts)["options"]
    await page.locator("#handling").get_by_role("button", name="Save").click()
    await expect(page.locator(".toast")).to_be_visible()
    after = project.get(facts)["options"]
    assert sum(before.get(name) != value for name, value in after.items()) >= 3
    await page.locator("#modal-name").select_option(index=2)
    dialog = f"/api/embed/error-page/?dsn={project.dsn}&eventId={uuid.uuid4().hex}"
    wait_until(lambda: 'name="name"' not in project.http.get(dialog).text.replace("\\", ""))

    await page.goto(f"{base}quotas/")
    await page.get_by_label("feedback", exact=True).set_checked(True)
    await page.get_by_label("At most").fill("0")
    await page.get_by_label("Reason").fill("closed_for_summer")
    await page.get_by_role("button", name="Add the quota").click()
    await expect(page.get_by_text("closed_for_summer")).to_be_visible()
    item = ({"type": "feedback"}, b'{"contexts": {"feedback": {"message": "Too late"}}}')
    wait_until(lambda: project.send(item).status_code == 429)
    await page.get_by_role("button", name="Remove the quota").click()
    wait_until(lambda: project.send(item).status_code == 200)

    await page.goto(f"{base}keys/")
    await page.get_by_role("button", name="Disable").click()
    await expect(page.get_by_text("Disabled", exact=True)).to_be_visible()
    wait_until(lambda: project.send(item).status_code in {401, 403})
