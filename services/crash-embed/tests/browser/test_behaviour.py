"""What the dialog does: keyboard, focus, sending, closing."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hearback_contracts.streams import USER_REPORT_SUBMITTED
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import FaultProxy, eventually
from playwright.async_api import Page, Route, expect
from redis.asyncio import Redis

DIALOG = ".sentry-error-embed"


async def reports(redis: Redis) -> list[dict[str, Any]]:
    """The reports on the stream."""
    found = []
    for key in USER_REPORT_SUBMITTED.shard_keys(4):
        found += [orjson.loads(fields[b"b"]) for _, fields in await redis.xrange(key)]
    return found


async def focused(page: Page) -> str:
    """Name, class or tag of the focused element, through shadow roots."""
    found: str = await page.evaluate(
        """() => {
          let node = document.activeElement;
          while (node.shadowRoot && node.shadowRoot.activeElement) node = node.shadowRoot.activeElement;
          return node.name || node.id || node.className || node.type || node.tagName;
        }"""
    )
    return found


async def fill(page: Page) -> None:
    for name, value in (("name", "Jane"), ("email", "jane@example.com"), ("comments", "It broke.")):
        await page.locator(f"{DIALOG} [name={name}]").fill(value)


async def closings(page: Page) -> int:
    found: int = await page.evaluate("window.closed_ || 0")
    return found


async def test_is_filled_and_sent_by_keyboard_alone(dialog_page: Any, redis: Redis) -> None:
    page = await dialog_page()
    assert await page.evaluate("window.loaded") == 1
    for text in ("Jane Doe", "jane@example.com", "I paid, then nothing."):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Thank you! Your report has been sent.")
    await expect(page.get_by_role("button", name="Send report")).to_have_count(0)
    assert await focused(page) == "close"
    await page.keyboard.press("Enter")
    await expect(page.locator(DIALOG)).to_have_count(0)
    assert await focused(page) == "before"
    await eventually(lambda: closings(page))
    assert await closings(page) == 1
    assert await reports(redis) == [
        {
            "event_id": "0123456789abcdef0123456789abcdef",
            "name": "Jane Doe",
            "email": "jane@example.com",
            "comments": "I paid, then nothing.",
        }
    ]


async def test_focus_stays_inside(dialog_page: Any) -> None:
    page = await dialog_page()
    seen = [await focused(page)]
    for _ in range(5):
        await page.keyboard.press("Tab")
        seen.append(await focused(page))
    assert seen == ["name", "email", "comments", "submit", "close", "name"]
    await page.keyboard.press("Shift+Tab")
    assert await focused(page) == "close"
    await page.evaluate("document.getElementById('before').focus()")
    assert await focused(page) != "before"


async def test_prefilled_user_goes_straight_to_the_question(dialog_page: Any) -> None:
    page = await dialog_page({"name": 'Ed "Quote" <b>', "email": "ed@example.com"})
    assert await page.locator("[name=name]").input_value() == 'Ed "Quote" <b>'
    assert await page.locator("[name=email]").input_value() == "ed@example.com"
    assert await focused(page) == "comments"


@pytest.mark.parametrize("way", ["escape", "backdrop", "button", "api", "during-sending"])
async def test_every_closing_tells_the_page_once(dialog_page: Any, proxy: FaultProxy, way: str) -> None:
    page = await dialog_page()
    if way == "escape":
        await page.keyboard.press("Escape")
    elif way == "backdrop":
        await page.mouse.click(5, 5)
    elif way == "button":
        await page.get_by_role("button", name="Close").click()
    elif way == "api":
        await page.evaluate("document.querySelector('.sentry-error-embed-wrapper').sentryEmbed.close()")
    else:
        await fill(page)
        proxy.hang()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Send report").click()
        await page.get_by_role("button", name="Sending…").wait_for()
        await page.keyboard.press("Escape")
    await expect(page.locator(".sentry-error-embed-wrapper")).to_have_count(0)
    await eventually(lambda: closings(page))
    assert await closings(page) == 1
    assert await focused(page) == "before"


async def test_drag_that_ends_outside_closes_nothing(dialog_page: Any) -> None:
    page = await dialog_page()
    box = await page.locator("[name=comments]").bounding_box()
    await page.mouse.move(box["x"] + 10, box["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(3, 3)
    await page.mouse.up()
    await expect(page.locator(DIALOG)).to_be_visible()
    await page.mouse.click(3, 3)
    await expect(page.locator(DIALOG)).to_have_count(0)


async def test_text_is_kept_when_the_server_is_down_and_the_second_try_works(
    dialog_page: Any, proxy: FaultProxy, redis: Redis
) -> None:
    page = await dialog_page()
    await fill(page)
    proxy.refuse()
    await page.get_by_role("button", name="Send report").click()
    await expect(page.get_by_role("alert").filter(has_text="could not be sent")).to_be_visible()
    assert await page.locator("[name=comments]").input_value() == "It broke."
    proxy.heal()
    await page.get_by_role("button", name="Send report").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you!")
    assert len(await reports(redis)) == 1


async def test_double_click_sends_once(dialog_page: Any, posts: list[str], redis: Redis) -> None:
    page = await dialog_page()
    await fill(page)
    await page.get_by_role("button", name="Send report").dblclick()
    await expect(page.get_by_role("status")).to_contain_text("Thank you!")
    assert len(posts) == 1
    assert len(await reports(redis)) == 1


async def test_errors_stand_at_their_fields_in_the_dialogs_language(dialog_page: Any, redis: Redis) -> None:
    page = await dialog_page({"lang": "de", "name": "x" * 129})
    await page.locator("[name=email]").fill("nonsense")
    await page.get_by_role("button", name="Bericht senden").click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("Einige Angaben fehlen")
    for name, text in (
        ("name", "Bitte verwenden Sie höchstens 128 Zeichen."),
        ("email", "Bitte geben Sie eine E-Mail-Adresse wie erika@example.com ein."),
        ("comments", "Bitte füllen Sie dieses Feld aus."),
    ):
        field = page.locator(f"[name={name}]")
        await expect(field).to_have_attribute("aria-invalid", "true")
        assert (
            await field.evaluate(
                "node => node.getRootNode().getElementById(node.getAttribute('aria-describedby')).textContent"
            )
            == text
        )
    assert await focused(page) == "name"
    await fill(page)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Vielen Dank!")
    assert len(await reports(redis)) == 1


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ((400, "<html>"), "could not be sent"),
        ((400, "null"), "could not be sent"),
        ((400, '{"errors": 7}'), "could not be sent"),
        ((403, "{}"), "could not be sent"),
        ((429, "{}"), "Too many reports are coming in at the moment. Nothing you wrote is lost: please try again"),
        ((500, ""), "could not be sent"),
        ((503, "{}"), "try again in a minute"),
        ((504, "<html>"), "try again in a minute"),
    ],
)
async def test_whatever_is_answered_the_text_is_kept_and_can_be_sent_again(
    dialog_page: Any, redis: Redis, answer: tuple[int, str], shown: str
) -> None:
    page = await dialog_page()
    await fill(page)

    async def reply(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": "*"}
        await route.fulfill(status=answer[0], body=answer[1], headers=headers)

    await page.route("**/api/embed/**", reply)
    await page.get_by_role("button", name="Send report").click()
    await expect(page.get_by_role("alert")).to_contain_text(shown)
    assert await page.locator("[name=name]").input_value() == "Jane"
    assert await page.locator("[name=comments]").input_value() == "It broke."
    await page.unroute("**/api/embed/**")
    await page.get_by_role("button", name="Send report").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you!")
    assert len(await reports(redis)) == 1


async def test_works_twice_and_leaves_nothing_global(dialog_page: Any, redis: Redis) -> None:
    page = await dialog_page()
    await fill(page)
    await page.evaluate("show()")
    await page.wait_for_function("window.loaded === 2")
    await expect(page.locator(DIALOG)).to_have_count(1)
    assert await page.locator("[name=comments]").input_value() == "It broke."
    await page.evaluate("show({title: 'A second one'})")
    await expect(page.locator(DIALOG)).to_have_count(2)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(page.locator(DIALOG)).to_have_count(0)
    await page.wait_for_function("window.closed_ === 2")  # the page's own note of it comes a moment later
    before = await page.evaluate("Object.keys(window)")
    await page.evaluate("show()")
    await page.locator(DIALOG).wait_for()
    await fill(page)
    await page.get_by_role("button", name="Send report").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you!")
    assert set(await page.evaluate("Object.keys(window)")) - set(before) == set()
    assert len(await reports(redis)) == 1


async def test_hooks_of_the_page_are_honoured(open_page: Any, host: Any) -> None:
    page = await open_page(host.url)
    await page.evaluate(
        """() => {
          document.body.insertAdjacentHTML('beforeend', '<section id="place"></section>');
          window.sentryConfig = {attachOnLoad: false, parent: document.getElementById('place')};
          window.sentryEmbedCallback = embed => { window.embed_ = embed };
          show();
        }"""
    )
    await page.wait_for_function("window.embed_")
    await expect(page.locator(DIALOG)).to_have_count(0)
    await page.evaluate("embed_.attach(sentryConfig.parent)")
    await expect(page.locator("#place > .sentry-error-embed-wrapper .sentry-error-embed")).to_be_visible()
    await page.evaluate("embed_.close()")
    await expect(page.locator(DIALOG)).to_have_count(0)


async def test_shortcuts_of_the_page_do_not_hear_what_is_typed(dialog_page: Any) -> None:
    page = await dialog_page()
    await page.evaluate("window.heard = 0; document.addEventListener('keydown', () => { heard++ })")
    await page.locator("[name=comments]").press_sequentially("hello")
    assert await page.evaluate("heard") == 0


OPTIONS = {
    "feedback:modal_name": "hidden",
    "feedback:modal_email": "optional",
    "feedback:branding": False,
    "feedback:modal_accent": "#ffd400",
    "feedback:modal_theme": "dark",
}


@pytest_asyncio.fixture
async def customized(proxy: FaultProxy, redis: Redis) -> AsyncIterator[None]:
    """Project 1 with every option of the dialog changed."""
    await publish_project(redis, options=OPTIONS)
    yield


async def test_project_decides_on_fields_colours_and_branding(
    customized: None, dialog_page: Any, redis: Redis
) -> None:
    page = await dialog_page({"name": "Not asked"})
    await expect(page.locator("[name=name]")).to_have_count(0)
    await expect(page.locator("label").first).to_have_text("Email (optional)")
    await expect(page.get_by_text("Hearback")).to_have_count(0)
    submit = page.get_by_role("button", name="Send report")
    await expect(submit).to_have_css("background-color", "rgb(255, 212, 0)")
    await expect(submit).to_have_css("color", "rgb(17, 19, 24)")
    await expect(page.locator(DIALOG)).to_have_css("background-color", "rgb(27, 30, 37)")
    await page.locator("[name=comments]").fill("Short.")
    await submit.click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you!")
    report = (await reports(redis))[0]
    assert (report["name"], report["email"], report["comments"]) == ("", "", "Short.")


async def test_page_can_restyle_by_custom_properties(dialog_page: Any) -> None:
    page = await dialog_page()
    await page.add_style_tag(
        content=":root { --hearback-accent: rgb(0, 80, 0); --hearback-accent-ink: rgb(255, 255, 0) }"
    )
    submit = page.get_by_role("button", name="Send report")
    await expect(submit).to_have_css("background-color", "rgb(0, 80, 0)")
    await expect(submit).to_have_css("color", "rgb(255, 255, 0)")


async def test_reduced_motion_is_respected(dialog_page: Any) -> None:
    page = await dialog_page(reduced_motion="reduce")
    await expect(page.locator(DIALOG)).to_have_css("animation-name", "none")
    page = await dialog_page(reduced_motion="no-preference")
    await expect(page.locator(DIALOG)).to_have_css("animation-name", "appear")


async def test_theme_follows_the_system_while_open(dialog_page: Any) -> None:
    page = await dialog_page(color_scheme="light")
    await expect(page.locator(DIALOG)).to_have_attribute("data-theme", "light")
    await page.emulate_media(color_scheme="dark")
    await expect(page.locator(DIALOG)).to_have_attribute("data-theme", "dark")
