"""Pictures of every page, to be looked at: `make pictures` (or `make pictures OF=documentation`).

Without the option: each page at three widths and in both themes, with hostile, long and foreign content (`full`)
and with none (`empty`); it also prints what is wider than its screen. With it: the small set of the documentation,
with the feedback of a shop.
"""

import asyncio
import io
import itertools
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hearback_devkit.testing.browsers import launch_chromium
from page_table import pages
from PIL import Image, ImageDraw
from playwright.async_api import Browser, Page, async_playwright
from world import World, fill, send

from tests.conftest import eventually, start_fleet, stop_fleet

WIDTHS: Final = (360, 1024, 1600)
THEMES: Final = ("light", "dark")
HEIGHT: Final = 900
PEOPLE: Final = ("Jane Doe", "Ana Ruiz", "Kofi Mensah", "Luka Horvat", "Noor Haddad", "", "Ingrid Bergström")
WORDS: Final = (
    "The checkout button does nothing on Safari. I paid twice, and the cart is still full.",
    "Love the new search! Could it remember my filters?",
    "Dark mode makes the delivery date unreadable",
    "Die Postleitzahl wird nicht angenommen, obwohl sie stimmt.",
    "The photo upload stops at 90 % and says nothing.",
    "لا يعمل زر الدفع على الهاتف",
    "Where is my invoice? The link in the mail is broken.",
    "Voucher SPRING24 is refused, but the banner promises it.",
    "Page jumps to the top whenever I change the quantity",
    "Скидка не применяется к заказу",
    "Thank you, the new size guide saved me a return.",
    "I cannot change my e-mail address: it says it is taken. By me.",
)
# Name, address, width, theme and what to do first.
DOCUMENTATION: Final = (
    ("inbox", "/organizations/{organization}/feedback/?feedbackSlug={project}:{issue}", 1600, "light"),
    ("inbox-dark", "/organizations/{organization}/feedback/?feedbackSlug={project}:{issue}", 1600, "dark"),
    ("inbox-phone", "/organizations/{organization}/feedback/", 360, "light"),
    ("detail-phone", "/organizations/{organization}/feedback/?feedbackSlug={project}:{issue}", 360, "dark"),
    ("issue-tab", "/organizations/{organization}/issues/{user-reports.issue}/feedback/", 1024, "light"),
    ("submissions", "/organizations/{organization}/submissions/", 1024, "light"),
    ("submission", "/organizations/{organization}/submissions/{submission_id}/", 1024, "dark"),
    ("stats", "/organizations/{organization}/stats/", 1024, "light"),
    ("first-run", "/organizations/{organization}/projects/{project}/getting-started/", 1024, "light"),
    ("settings", "/settings/{organization}/projects/{project}/user-feedback/", 1024, "dark"),
    ("alerts", "/settings/{organization}/projects/{project}/alerts/", 1024, "light"),
    ("sign-in", "/auth/login/", 1024, "light"),
)


def shop_picture(title: str) -> bytes:
    """Draw a screenshot of a shop."""
    image = Image.new("RGB", (1280, 800), "#f7f4ee")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1280, 64), fill="#24483e")
    for number in range(3):
        left = 60 + number * 400
        draw.rounded_rectangle((left, 120, left + 340, 520), 16, fill="#ffffff", outline="#d9d2c3")
        draw.rounded_rectangle(
            (left + 24, 144, left + 316, 380), 10, fill=("#c9b79c", "#9cb7c9", "#b79cc9")[number]
        )
        draw.rectangle((left + 24, 404, left + 220, 420), fill="#5b5548")
        draw.rectangle((left + 24, 436, left + 140, 450), fill="#a39c8d")
    draw.rounded_rectangle((940, 660, 1220, 730), 12, fill="#b5452c")
    draw.text((980, 685), title, fill="#ffffff", font_size=22)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def fill_shop(world: World) -> None:
    """Give the other organization the feedback of a shop."""
    picture = (
        {"type": "attachment", "filename": "screenshot.png", "content_type": "image/png"},
        shop_picture("Pay"),
    )
    error = {
        "event_id": uuid.uuid4().hex,
        "transaction": "/checkout",
        "exception": {"values": [{"type": "TypeError", "value": "cart.total is undefined"}]},
    }
    send(world.other, ({"type": "event"}, json.dumps(error).encode()), header={"event_id": error["event_id"]})
    for number, words in reversed(list(enumerate(WORDS))):
        name = PEOPLE[number % len(PEOPLE)]
        feedback = {
            "message": words,
            "name": name,
            "contact_email": f"{name.split()[0].lower()}@example.com" if name and name.isascii() else "",
            "url": f"https://shop.example/{('cart', 'search', 'orders', 'account')[number % 4]}",
            "source": ("widget", "sdk", "crash_report")[number % 2],
        }
        if number == 0:
            feedback["associated_event_id"] = error["event_id"]
        event = {
            "event_id": uuid.uuid4().hex,
            "platform": "javascript",
            "release": "shop@2.14.0",
            "environment": "production" if number % 3 else "staging",
            "tags": {"locale": "en-GB", "plan": ("free", "pro")[number % 2], "cart.items": str(number + 1)},
            "user": {"id": str(1_000 + number), "geo": {"country_code": "ES", "city": "Sevilla"}},
            "contexts": {
                "feedback": feedback,
                "browser": {"name": "Safari", "version": "18.2"},
                "os": {"name": "iOS", "version": "18.2"},
            },
        }
        items = [({"type": "feedback"}, json.dumps(event).encode()), *([picture] if number % 4 == 0 else [])]
        send(world.other, *items)
    report = {"event_id": error["event_id"], "name": "Jane Doe", "email": "jane@example.com", "comments": WORDS[0]}
    send(world.other, ({"type": "user_report"}, json.dumps(report).encode()))
    losses = [
        {"reason": reason, "category": category, "quantity": quantity}
        for reason, category, quantity in (
            ("queue_overflow", "error", 40),
            ("sample_rate", "transaction", 900),
            ("network_error", "feedback", 3),
        )
    ]
    send(world.other, ({"type": "client_report"}, json.dumps({"discarded_events": losses}).encode()))


def shop_ids(world: World) -> dict[str, str]:
    """Return the ids of the shop, once all has arrived."""
    shop, base = world.other, f"/api/0/projects/{world.other.organization}/{world.other.project}"
    found = eventually(lambda: len(issues := shop.issues(expand="latestEventHasAttachments")) > 12 and issues)
    issue = next(one for one in found if one["latestEventHasAttachments"] and "checkout" in one["title"])
    reports = eventually(lambda: [one for one in shop.get(f"{base}/user-feedback/") if one["issue"]])
    return {
        "organization": shop.organization,
        "project": shop.project,
        "issue": issue["id"],
        "user-reports.issue": reports[0]["issue"]["id"],
        "submission_id": shop.latest_event(issue["id"])["eventID"],
    }


async def open_page(browser: Browser, world: World, session: str, width: int, theme: str) -> Page:
    """Open a browser of a person at a width and in a theme."""
    context = await browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        has_touch=width < 500,
        is_mobile=width < 500,
    )
    if session:
        cookie = {"name": "hearback_session", "value": session, "url": world.fleet.url}
        await context.add_cookies([cookie])  # type: ignore[list-item]
    return await context.new_page()


async def settle(page: Page, url: str) -> int:
    """Open an address and wait until it stands; returns the status."""
    answer = await page.goto(url, wait_until="load")
    await page.locator("#beside .skeleton").wait_for(state="detached")  # what is loaded after the page
    await page.evaluate("Promise.all([...document.images].map((image) => image.decode().catch(() => null)))")
    await page.wait_for_timeout(150)
    return answer.status if answer else 0


async def look_at_all(browser: Browser, world: World, folder: Path) -> None:
    """Take every page at every width in every theme."""
    empty = {**world.known, "organization": world.other.organization, "project": world.other.project}
    kinds = {"full": (world.known, world.owner(world.full)), "empty": (empty, world.owner(world.other))}
    for (kind, (known, session)), width, theme in itertools.product(kinds.items(), WIDTHS, THEMES):
        page = await open_page(browser, world, session, width, theme)
        for address in pages("GET"):
            if address.is_stream or (kind == "empty" and len(address.parameters) > 2):
                continue
            status = await settle(page, world.fleet.url + address.fill(known))
            name = address.path.strip("/").replace("/", "-").replace("{", "").replace("}", "") or "start"
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            print(f"{status} {kind} {width} {theme} {address.path}{f' {wide} px too wide' if wide > 0 else ''}")
            await page.screenshot(path=folder / f"{name}.{kind}.{width}.{theme}.png", full_page=width < 1_000)
        await page.context.close()


async def document(browser: Browser, world: World, folder: Path) -> None:
    """Take the set of the documentation, small."""
    created = world.fleet.command("project", "create", "acme/web-shop", "--json")
    world.other = type(world.fleet)(json.loads(created), world.fleet.data_dir)
    await asyncio.to_thread(fill_shop, world)
    known = await asyncio.to_thread(shop_ids, world)
    session = world.owner(world.other)
    for name, path, width, theme in DOCUMENTATION:
        page = await open_page(browser, world, "" if path.startswith("/auth/") else session, width, theme)
        filled = path
        for key, value in known.items():
            filled = filled.replace("{" + key + "}", value)
        print(await settle(page, world.fleet.url + filled), name)
        taken = Image.open(io.BytesIO(await page.screenshot()))
        taken.save(folder / f"{name}.webp", quality=72, method=6)
        await page.context.close()


async def main(folder: Path, take: Callable[[Browser, World, Path], Any], fills: bool) -> None:
    """Start a fleet, fill it, and take the pictures."""
    with tempfile.TemporaryDirectory(prefix="hearback-screenshots-") as place:
        fleet = start_fleet(Path(os.environ.get("HEARBACK_SCREENSHOTS_DATA", place)))
        try:
            suffix = f"{int(time.time()):x}"[-4:]
            world = World(
                fleet, fleet.new_project(f"full-{suffix}"), fleet.new_project(f"shop-{suffix}"), eventually
            )
            if fills:
                fill(world)
            async with async_playwright() as playwright:
                browser = await launch_chromium(playwright, "--hide-scrollbars")
                await take(browser, world, folder)
                await browser.close()
        finally:
            if "HEARBACK_SCREENSHOTS_DATA" not in os.environ:
                stop_fleet(fleet)


if __name__ == "__main__":
    is_small = "documentation" in sys.argv[2:]
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), document if is_small else look_at_all, fills=not is_small))
