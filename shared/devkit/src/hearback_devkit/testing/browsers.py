"""A headless Chromium."""

import os
import shutil
from typing import Final

from playwright.async_api import Browser, Playwright

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
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str:
    """Return the path of `HEARBACK_CHROMIUM`, or of the first Chromium on the path.

    Raises:
        LookupError: There is none.
    """
    path = os.environ.get("HEARBACK_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise LookupError("no Chromium: run `make test`, which installs it, or set HEARBACK_CHROMIUM")
    return path


async def launch_chromium(playwright: Playwright, *flags: str) -> Browser:
    """Start a Chromium that looks for nothing in the network; `flags` go behind ours."""
    return await playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])
