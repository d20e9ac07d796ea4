"""The pages of rules and deliveries in Chromium: they fit, axe finds nothing, a test is followed live."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import httpx
import pytest_asyncio
from hearback_devkit.fleet import signed_in
from hearback_devkit.testing import served
from hearback_kit.auth import SESSION_COOKIE
from notifier.app import create_app
from notifier.store import destinations

from ..conftest import ADA, NOW, Hook, Notifier, feedback
from ..consumers.test_feedback_created import take
from .conftest import Shown, Window
from .test_mail import HOSTILE, LONG

SCHEMES = ("light", "dark")
WIDTHS = (320, 1024, 1600)
RULES = "/api/0/projects/demo/web/notification-rules/"


@dataclass
class Site:
    """The running service, with a session of an owner."""

    url: str
    session: str
    notifier: Notifier
    rule_id: str = ""
    delivery_id: int = 0

    async def show(self, window: Window, path: str, **options: Any) -> Shown:
        shown = await window.open(1024, "light", site=self.url, **options)
        cookie = {"name": SESSION_COOKIE, "value": self.session, "url": self.url}
        await shown.page.context.add_cookies([cookie])
        await shown.page.goto(f"{self.url}/settings/demo/projects/web/{path}")
        return shown


@pytest_asyncio.fixture
async def site(notifier: Notifier) -> AsyncIterator[Site]:
    app = create_app(notifier.settings, clock=notifier.clock)
    async with served(app) as url:
        headers = signed_in(app)
        found = Site(url, app.state.callers.add("session"), notifier)
        await _fill(found, headers)
        yield found


async def _fill(site: Site, headers: dict[str, str]) -> None:
    """Store rules and deliveries as they are at their worst."""
    rules: list[dict[str, Any]] = [
        {"name": "On call", "channel": "email", "target": "oncall@shop.example"},
        {"name": LONG[:100], "channel": "email", "target": f"{LONG[:60]}@{LONG[:60]}.example", "digestMinutes": 60,
         "environments": [LONG[:64], "production", "staging", "test", "dev", "demo", "qa"]},
        {"name": HOSTILE[:100], "channel": "webhook", "target": "http://127.0.0.1:9/hook", "format": "slack",
         "sources": ["user_report_envelope", "crash_report_embed_form"], "contains": HOSTILE[:200]},
        {"name": "Off", "enabled": False, "channel": "email", "target": "off@shop.example"},
    ]  # fmt: skip
    async with httpx.AsyncClient(base_url=site.url, headers=headers) as client:
        for rule in rules:
            answer = await client.post(RULES, json=rule)
            assert answer.status_code == 201, answer.text
            site.rule_id = site.rule_id or answer.json()["id"]
    await take(
        site.notifier,
        feedback(title="The export fails", name="Jane", contact_email="jane@shop.example"),
        feedback(title=LONG, message=LONG),
        feedback(title=HOSTILE, message=HOSTILE, name=HOSTILE),
        feedback(title="تعطل التصدير", message="لا يعمل زر الدفع"),
    )
    await site.notifier.deliverer(burst_per_minute=3).run_once()
    async with site.notifier.database.transaction() as connection:
        reason = "550 5.1.1 no such user: " + LONG[:120]
        await destinations.switch_off(connection, "email:oncall@shop.example", reason, NOW)
    [site.delivery_id] = [one.id for one in await site.notifier.deliveries() if one.target == ADA.email][:1]


async def test_pages_fit_and_axe_finds_nothing(site: Site, window: Window) -> None:
    paths = ("alerts/", "alerts/new/", f"alerts/{site.rule_id}/", "deliveries/", "deliveries/?query=nothing",
             f"deliveries/{site.delivery_id}/")  # fmt: skip
    for path in paths:
        shown = await site.show(window, path)
        for width, scheme in product(WIDTHS, SCHEMES):
            await shown.resize(width, scheme)
            if (width, scheme) == (320, "dark"):  # one size is loaded, too, and not only come to
                await shown.page.reload()
            assert await shown.flaws(of_colours=scheme == "dark") == [], (path, width, scheme)
        assert (shown.requests, shown.dialogs) == ([], []), path


async def test_a_test_is_followed_live(site: Site, window: Window, hook: Hook) -> None:
    page = (await site.show(window, "alerts/new/")).page
    await page.get_by_label("Name").fill("Chat")
    await page.get_by_label("Send by", exact=True).select_option("Mattermost")
    await page.get_by_label("E-mail address or URL").fill(hook.url)
    await page.get_by_role("button", name="Add the rule").click()
    await page.get_by_text("The rule is added").wait_for()
    await page.get_by_role("button", name="Send a test").click()
    await page.get_by_text("Waiting for the server").wait_for()
    await site.notifier.deliverer().run_once()
    await page.get_by_text("200 ok").wait_for()
    await page.get_by_text("Waiting for the server").wait_for(state="detached")


async def test_without_scripts_everything_works(site: Site, window: Window) -> None:
    page = (await site.show(window, f"alerts/{site.rule_id}/", scripts=False)).page
    await page.get_by_label("Name").fill("Night shift")
    await page.get_by_role("button", name="Save changes").click()
    await page.get_by_role("link", name="Night shift", exact=True).wait_for()
    await page.goto(f"{site.url}/settings/demo/projects/web/alerts/{site.rule_id}/")
    await page.get_by_text("Delete this rule").click()
    await page.get_by_role("button", name="Delete the rule").click()
    await page.get_by_text("The rule is deleted").wait_for()
    await page.goto(f"{site.url}/settings/demo/projects/web/deliveries/{site.delivery_id}/")
    await page.get_by_role("button", name="Send again").click()
    await page.get_by_text("It is sent again").wait_for()
