"""How the dialog looks and how it reads to assistive technology."""

from typing import Any

import pytest
from crash_embed.domain.texts import LANGUAGES
from hearback_devkit.testing.browsers import COLOURS, axe_findings
from playwright.async_api import Page

TAGS = "wcag2a wcag2aa wcag2aaa wcag21a wcag21aa wcag22aa best-practice experimental"
EVERY_RULE = {
    "runOnly": {"type": "tag", "values": TAGS.split()},
    "rules": {"color-contrast-enhanced": {"enabled": False}},
}


async def settled(page: Page) -> None:
    """Wait until every animation has ended."""
    await page.evaluate(
        """async () => {
          const root = document.querySelector('.sentry-error-embed-wrapper').shadowRoot;
          await Promise.allSettled(root.getAnimations().map(animation => animation.finished));
        }"""
    )


async def violations(page: Page, rules: Any = EVERY_RULE) -> list[str]:
    """What axe finds in the page, with every rule it has, or some."""
    await settled(page)
    return await axe_findings(page, rules)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
async def test_axe_finds_nothing_and_nothing_overflows(dialog_page: Any, scheme: str, width: int) -> None:
    page = await dialog_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    rules = EVERY_RULE if scheme == "light" else COLOURS
    await settled(page)
    assert await page.locator(".sentry-error-embed").get_attribute("data-theme") == scheme
    assert await violations(page, rules) == []
    await page.get_by_role("button", name="Send report").click()
    await page.get_by_text("Some fields need").wait_for()
    assert await violations(page, rules) == []
    assert await sideways_overflow(page) <= 0
    for name, value in (("name", "Jane"), ("email", "jane@example.com"), ("comments", "It broke.")):
        await page.locator(f"[name={name}]").fill(value)
    await page.get_by_role("button", name="Send report").click()
    await page.get_by_text("Thank you!").wait_for()
    assert await violations(page, rules) == []


async def sideways_overflow(page: Page) -> int:
    """Pixels by which the dialog's content is wider than the dialog."""
    found: int = await page.locator(".panel").evaluate("panel => panel.scrollWidth - panel.clientWidth")
    return found


async def test_every_language_fits_a_narrow_screen(host: Any, open_page: Any) -> None:
    page = await open_page(host.url, viewport={"width": 320, "height": 640})
    dialog = page.locator(".sentry-error-embed")
    for language in sorted(LANGUAGES):
        await page.goto(host.url)
        await page.evaluate("lang => show({lang})", language)
        await dialog.wait_for()
        await settled(page)
        assert await sideways_overflow(page) <= 0, language
        assert await dialog.get_attribute("lang") == language
        assert await dialog.get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    assert await violations(page) == []
