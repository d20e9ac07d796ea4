"""What was published is shown by the page that is opened next."""

import pytest
from hearback_contracts.outcomes import SubmissionState

from ..conftest import lingering
from .conftest import Browser

ID = "a" * 32
PATH = "/organizations/demo/submissions/"


@pytest.mark.parametrize("state", [None, SubmissionState.ACCEPTED])
@pytest.mark.parametrize(
    ("path", "params"),
    [
        (PATH, {}),
        (PATH, {"query": ID}),
        (f"{PATH}{ID}/", {}),
        ("/organizations/demo/stats/", {"statsPeriod": "24h"}),
        ("/organizations/demo/stats/", {"statsPeriod": "24h", "format": "csv"}),
    ],
)
async def test_the_next_page_has_it(
    browser: Browser, state: SubmissionState | None, path: str, params: dict[str, str]
) -> None:
    if state is not None:  # it is known, and not decided
        await browser.step(ID, state, "envelope_accepted")

    async def record() -> None:
        await browser.step(ID)
        await browser.count(4_711)

    async with lingering(browser.app, record):
        answer = await browser.client.get(path, params=params, follow_redirects=True)
    shown = answer.text.replace(",", "")
    assert "4711" in shown if "stats" in path else ID in shown
    assert "stats" in path or "Stored" in shown
