"""A headless Chromium, and accessibility checks: with axe, and of colours."""

import os
import shutil
from functools import cache
from importlib.resources import files
from typing import Any, Final

from playwright.async_api import Browser, Page, Playwright

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--auto-accept-this-tab-capture",
)
# What axe has on colours, all that another colour scheme can change.
COLOURS: Final = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
# It has no windows at all, and takes less than half of the CPU.
_SHELL: Final = "chromium-headless-shell"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_RUN_AXE: Final = """async (options) =>
  (await axe.run(document, {resultTypes: ["violations"], ...options})).violations.flatMap((one) =>
    one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)} ${(node.any[0] || {message: ""}).message}`))"""


def find_chromium(*, captures: bool = False) -> str:
    """Return the path in `HEARBACK_CHROMIUM`, or of the first Chromium in PATH; one that `captures` tabs if asked.

    Raises:
        LookupError: Not found.
    """
    names = _NAMES if captures else (_SHELL, *_NAMES)
    path = os.environ.get("HEARBACK_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise LookupError("no Chromium: run `make test`, which installs it, or set HEARBACK_CHROMIUM")
    return path


async def launch_chromium(playwright: Playwright, *flags: str, captures: bool = False) -> Browser:
    """Start a Chromium without background network requests; `flags` are appended to ours.

    One that `captures` tabs lets pages take pictures of themselves.
    """
    path = find_chromium(captures=captures)
    return await playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()


async def axe_findings(page: Page, options: Any = None) -> list[str]:
    """Return axe's violations in a page, each with rule and element; `options` are those of `axe.run`."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_axe())
    found: list[str] = await page.evaluate(_RUN_AXE, options or {})
    return found


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours such as `#3f37c9`, as WCAG 2.2 measures it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
