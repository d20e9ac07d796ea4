"""Many feedback at once in the inbox: page after page, and in two tabs."""

import re
from typing import Any

from playwright.async_api import Page, expect
from world import World, send

WORD = "overflowing"
ROWS = 25  # of a page


def feedback(number: int) -> tuple[dict[str, Any], bytes]:
    """Return the item of a feedback that the search for WORD finds."""
    message = f"A basket that is {WORD} number {number}"
    return {"type": "feedback"}, b'{"contexts":{"feedback":{"message":"%s"}}}' % message.encode()


async def choose_all(page: Page) -> None:
    """Choose the rows of the page, by the box that one chosen row shows."""
    await page.locator("#rows .pick input").first.check()
    await page.locator("#pick-all").check()


async def test_counts_say_what_an_action_reaches_and_what_it_changed(world: World, open_as: Any) -> None:
    project = world.fleet.new_project("many")
    for number in range(ROWS + 5):
        send(project, feedback(number), header={"event_id": f"{number + 1:032x}"})
    assert world.wait_until(lambda: len(project.issues(WORD, limit=100)) == ROWS + 5)
    address = f"{world.fleet.url}/organizations/{project.organization}/feedback/?query={WORD}"
    one = await open_as("visitor")
    cookie = {"name": "hearback_session", "value": world.owner(project), "url": world.fleet.url}
    await one.context.add_cookies([cookie])
    two = await one.context.new_page()
    for page in (one, two):
        await page.goto(address)
        await choose_all(page)
        await expect(page.locator("#pick-count")).to_have_text(str(ROWS))
    await one.get_by_label("All that match").check()
    await expect(one.locator("#pick-count")).to_have_text(str(ROWS + 5))
    await one.get_by_label("All that match").uncheck()
    await expect(one.locator("#pick-count")).to_have_text(str(ROWS))
    await one.get_by_role("button", name="Resolve", exact=True).click()
    await expect(one.locator("#toasts")).to_contain_text(f"{ROWS} feedback resolved.")
    await expect(one.locator("#rows > li")).to_have_count(5)
    await two.get_by_role("button", name="Resolve", exact=True).click()
    await expect(two.locator("#toasts")).to_contain_text("Nothing was changed: it was so already.")


async def test_a_search_that_is_refused_says_so_in_place_of_what_was_found_before(
    world: World, sessions: dict[str, str], open_as: Any
) -> None:
    page = await open_as("owner")
    await page.goto(f"{world.fleet.url}/organizations/{world.full.organization}/feedback/")
    await expect(page.locator("#rows > li").first).to_be_visible()
    await page.locator("#search").fill("is:nowhere")
    await page.locator("#search").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This search cannot be answered")
    await expect(page.locator("#rows > li")).to_have_count(0)
    await expect(page.locator("#search")).to_be_focused()
    await expect(page.locator("#search")).to_have_value("is:nowhere")
    await expect(page).to_have_url(re.compile(r"query=is%3Anowhere"))
    await page.go_back()
    await expect(page.locator("#rows > li").first).to_be_visible()
    await page.go_forward()
    await page.locator("#search").fill("no such words")
    await page.locator("#search").press("Enter")
    await expect(page.locator("#inbox")).to_contain_text("Nothing found")
