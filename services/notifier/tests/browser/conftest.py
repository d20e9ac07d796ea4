"""A window that may load nothing from elsewhere, and what axe and the layout say of its page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio
from hearback_devkit.testing.browsers import COLOURS, axe_findings
from playwright.async_api import Browser, Page, Route


@dataclass
class Shown:
    """A page that is shown, and everything that it asked the network for; of others than `site` it got nothing."""

    page: Page
    site: str | None = None
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    async def note(self, route: Route) -> None:
        """Let a request pass or note it."""
        if self.site and route.request.url.startswith(self.site):
            await route.continue_()
        else:
            self.requests.append(route.request.url)
            await route.abort()

    async def resize(self, width: int, scheme: Any) -> None:
        """Give the window another width, and another colour scheme."""
        await self.page.set_viewport_size({"width": width, "height": 900})
        await self.page.emulate_media(color_scheme=scheme)

    async def flaws(self, *, of_colours: bool = False) -> list[str]:
        """What axe finds, or finds of colours alone, and whether the page is wider than the window."""
        found = await axe_findings(self.page, COLOURS if of_colours else None)
        wide = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return [*found, *([f"{wide} px too wide"] if wide > 0 else [])]


class Window:
    """One window with scripts and one without, which show one page after the other: new ones take long."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._shown: dict[bool, Shown] = {}

    async def open(self, width: int, scheme: Any, *, scripts: bool = True, site: str | None = None) -> Shown:
        """Empty the window; what is asked of others than `site` is noted and refused."""
        if scripts not in self._shown:
            self._shown[scripts] = await self._new(scripts)
        shown = self._shown[scripts]
        await shown.page.goto("about:blank")
        await shown.page.context.clear_cookies()
        await shown.resize(width, scheme)
        shown.site = site
        shown.requests.clear()
        shown.dialogs.clear()
        return shown

    async def _new(self, scripts: bool) -> Shown:
        # What fades in has not its colours yet.
        context = await self._browser.new_context(java_script_enabled=scripts, reduced_motion="reduce")
        shown = Shown(await context.new_page())
        await context.route("**/*", shown.note)
        shown.page.on("dialog", lambda dialog: shown.dialogs.append(dialog.message))
        return shown

    async def close(self) -> None:
        """Close it."""
        for shown in self._shown.values():
            await shown.page.context.close()


@pytest_asyncio.fixture(scope="session")
async def window(chromium: Browser) -> AsyncIterator[Window]:
    found = Window(chromium)
    yield found
    await found.close()
