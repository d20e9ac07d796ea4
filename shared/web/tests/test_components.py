"""All components on one page, in Chromium: accessible in both themes, at every width, nothing foreign."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from fastapi import FastAPI
from hearback_devkit.testing import served
from hearback_devkit.testing.browsers import COLOURS, axe_findings
from hearback_kit.auth import SESSION_COOKIE
from jinja2 import FileSystemLoader
from playwright.async_api import Browser, Page, expect

PATH = "/organizations/acme/components/"
WIDE = """() => [...document.querySelectorAll("body *")].filter((element) =>
  element.getBoundingClientRect().right > innerWidth + 1
  && !element.closest(".table-scroll, pre, .visually-hidden"))
  .map((element) => element.outerHTML)"""
SMALL = """() => [...document.querySelectorAll("a, button, select, input, summary")].filter((element) => {
  const box = element.getBoundingClientRect();
  const inText = element.matches(".data-link, .list-title, .skip-link, [type=checkbox], [type=radio]");
  return box.height > 0 && (box.height < 44 || box.width < 44) && !inText;
}).map((element) => element.outerHTML.slice(0, 120))"""


@pytest_asyncio.fixture
async def site(app: FastAPI) -> AsyncIterator[str]:
    """The small app with the page of all components, on a port."""
    app.state.pages.environment.loader.loaders.append(FileSystemLoader(Path(__file__).parent / "templates"))
    async with served(app, is_started=True) as url:
        yield url


@pytest_asyncio.fixture
async def page(chromium: Browser, site: str) -> AsyncIterator[Page]:
    """The page of all components; what a script or the policy complains of fails the test."""
    context = await chromium.new_context(
        viewport={"width": 1024, "height": 800},
        reduced_motion="reduce",  # what fades in has not its colours yet
    )
    await context.add_cookies([{"name": SESSION_COOKIE, "value": "owner-session", "url": site}])
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith(site) else problems.append(request.url))
    await page.goto(site + PATH)
    yield page
    assert problems == []
    await context.close()


async def test_every_component_is_accessible_in_both_themes(page: Page) -> None:
    for theme, rules in (("light", None), ("dark", COLOURS)):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert await axe_findings(page, rules) == []


async def test_nothing_is_wider_than_the_screen_and_fingers_hit_every_control(page: Page) -> None:
    for width in (320, 640, 768, 1600):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate(WIDE) == []
        if width <= 640:
            assert await page.evaluate(SMALL) == []


async def test_text_has_the_sizes_of_the_design_page(page: Page) -> None:
    sizes = {"body": "14px", ".soft.small": "12px", "h1": "22px", "h2": "16px", ".badge": "12px"}
    found = "name => getComputedStyle(document.querySelector(name)).fontSize"
    assert {name: await page.evaluate(found, name) for name in sizes} == sizes


async def test_what_was_refused_has_the_focus(page: Page) -> None:
    await expect(page.locator("[name=email][aria-invalid=true]")).to_be_focused()


async def test_a_form_is_sent_once_however_often_its_button_is_pressed(page: Page) -> None:
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    await page.route("**/x/", lambda route: route.fulfill(content_type="text/html", body="revoked"))
    await page.locator("summary", has_text="Revoke").press("Enter")
    await page.keyboard.press("Tab")
    await page.evaluate("for (const _ of [1, 2, 3]) document.activeElement.click()")
    await page.wait_for_url("**/x/")
    assert len(posts) == 1


async def test_theme_menu_and_help(page: Page) -> None:
    await page.locator(".account summary").click()
    await page.get_by_text("Dark", exact=True).click()
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
    await page.reload()
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
    for leave in ("Escape", "Shift+Tab"):
        await page.locator(".account summary").click()
        await page.keyboard.press(leave)
        await expect(page.locator(".account[open]")).to_have_count(0)
    await page.keyboard.press("?")
    await expect(page.locator("#keyboard-help")).to_be_visible()
    await page.get_by_role("switch", name="These keys act").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.locator("#keyboard-help")).to_be_hidden()
    await page.locator(".account summary").click()
    await page.get_by_role("button", name="Keyboard shortcuts").click()
    await page.get_by_role("switch", name="These keys act").check()
    await page.keyboard.press("Escape")
    await expect(page.locator(".account summary")).to_be_focused()
    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.name") == "query"
    await page.keyboard.type("?/")
    await expect(page.locator("#keyboard-help")).to_be_hidden()
    await expect(page.locator("[data-search]")).to_have_value("?/")


async def test_a_choice_by_keys_is_sent_once_it_is_made(page: Page) -> None:
    await page.evaluate("""() => {
        document.body.insertAdjacentHTML("beforeend",
            '<form id="f"><select data-submit-on-change><option>a<option>b<option>c</select></form>');
        window.sent = [];
        const form = document.getElementById("f");
        form.addEventListener("submit", (event) => { event.preventDefault(); sent.push(form.elements[0].value); });
    }""")
    choice = page.locator("#f select")
    await choice.focus()
    for keys, sent in (("ArrowDown ArrowDown", ""), ("Enter", "c"), ("ArrowUp", "c"), ("Tab", "cb")):
        for key in keys.split():
            await page.keyboard.press(key)
        assert await page.evaluate("sent.join('')") == sent
    await choice.select_option("a")
    assert await page.evaluate("sent.join('')") == "cba"


async def test_a_toast_says_what_was_copied_and_goes(page: Page) -> None:
    await page.get_by_role("button", name="Copy the id").click()
    toast = page.get_by_text("Copied.")
    await toast.wait_for()
    await page.get_by_role("button", name="Dismiss").click()
    await expect(toast).to_have_count(0)


async def test_text_of_an_undo_stays_text(page: Page) -> None:
    await page.evaluate("""hearback.showToast({text: "<img src=x onerror=alert(1)>", undo: {action: "/x/",
        label: "<b>Undo</b>", fields: {id: ["1", "<2>"]}}})""")
    await expect(page.locator(".toast img, .toast b")).to_have_count(0)
    await expect(page.locator('.toast input[name="id"]')).to_have_count(2)


async def test_without_scripts_nothing_that_needs_them_is_shown(chromium: Browser, site: str) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    await context.add_cookies([{"name": SESSION_COOKIE, "value": "owner-session", "url": site}])
    page = await context.new_page()
    await page.goto(site + PATH)
    await expect(page.locator(".needs-script").locator("visible=true")).to_have_count(0)
    await page.locator(".account summary").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await context.close()
