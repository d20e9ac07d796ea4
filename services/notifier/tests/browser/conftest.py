"""Windows that may load nothing from elsewhere, and what axe and the layout say of a page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.flatMap(
  v => v.nodes.map(n => v.id + ": " + n.target.join(" ") + " " + (n.any[0] || {message: ""}).message))"""


@dataclass
class Shown:
    """A page that is shown, and everything that it asked the network for."""

    page: Page
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    async def flaws(self) -> list[str]:
        """What axe finds, and whether the page is wider than the window."""
        found: list[str] = await self.page.evaluate(f"() => {{ {AXE}; return ({RUN_AXE})() }}")
        wide = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return [*found, *([f"{wide} px too wide"] if wide > 0 else [])]


@dataclass
class Window:
    """Opens pages in windows of a width and a colour scheme."""

    browser: Browser
    opened: list[Any] = field(default_factory=list)

    async def open(self, width: int, scheme: Any, *, scripts: bool = True, site: str | None = None) -> Shown:
        """Open a window; what it asks of others than `site` is noted and refused."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",  # what fades in has not its colours yet
        )
        self.opened.append(context)
        shown = Shown(await context.new_page())

        async def note(route: Route) -> None:
            if site and route.request.url.startswith(site):
                await route.continue_()
            else:
                shown.requests.append(route.request.url)
                await route.abort()

        await context.route("**/*", note)
        shown.page.on("dialog", lambda dialog: shown.dialogs.append(dialog.message))
        return shown


@pytest_asyncio.fixture
async def window(chromium: Browser) -> AsyncIterator[Window]:
    found = Window(chromium)
    yield found
    for context in found.opened:
        await context.close()
