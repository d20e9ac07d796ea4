"""The page of outcomes: sums, charts' tables, reasons in plain words, CSV."""

import csv
import io
import re
from datetime import timedelta

import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome
from hearback_contracts.reasons import Reason

from .conftest import Browser

PATH = "/organizations/demo/stats/"
HOSTILE = "<script>alert(1)</script>"


def figures(text: str) -> list[str]:
    """Return what was accepted, dropped here, and dropped by SDKs, as shown."""
    return [re.sub("<[^>]*>", "", one) for one in re.findall(r'figure-value">(.*?)</(?:span|dd)>', text)]


async def some(browser: Browser) -> None:
    await browser.count(1_000)
    await browser.count(40, Outcome.INVALID, Reason.TOO_LARGE_EVENT)
    await browser.count(7, Outcome.RATE_LIMITED, "our quota", category=DataCategory.FEEDBACK, project_id=2)
    await browser.count(300, Outcome.CLIENT_DISCARD, "network_error", sdk="sentry.javascript.browser/11.1.0")
    await browser.count(5_000_000, category=DataCategory.ATTACHMENT)
    await browser.count(11, ago=timedelta(days=20))
    await browser.count(99, project_id=3, organization_id=2)


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({}, ["1,000", "47", "300"]),
        ({"statsPeriod": "24h"}, ["1,000", "47", "300"]),
        ({"statsPeriod": "30d"}, ["1,011", "47", "300"]),
        ({"statsPeriod": ""}, ["1,000", "47", "300"]),
        ({"statsPeriod": "3w"}, ["1,011", "47", "300"]),
        ({"project": "project-2"}, ["0", "7", "0"]),
        ({"category": "feedback"}, ["0", "7", "0"]),
        ({"category": "attachment"}, ["5.0 MB", "0 B", "0 B"]),
    ],
)
async def test_what_was_accepted_and_dropped(browser: Browser, params: dict[str, str], shown: list[str]) -> None:
    await some(browser)
    assert figures(await browser.page(PATH, **params)) == shown


async def test_losses_here_and_of_sdks_are_set_apart(browser: Browser) -> None:
    await some(browser)
    text = await browser.page(PATH, project="web")
    by_sdks, _, here = text.partition("<h2>Dropped by SDKs</h2>")[2].partition("<h2>Dropped here</h2>")
    assert "network_error" in by_sdks
    assert "The connection failed" in by_sdks
    assert Reason.TOO_LARGE_EVENT in here
    assert "/submissions/?reason=" not in here
    assert "sentry.javascript.browser/11.1.0" in here
    text = await browser.page(PATH, project="project-2")
    assert 'href="/settings/demo/projects/project-2/quotas/"' in text
    assert "/organizations/demo/submissions/?reason=our%20quota&amp;project=project-2" in text
    assert "A quota is used up" in text
    await browser.count(3, Outcome.CLIENT_DISCARD, "a_reason_of_theirs")
    text = await browser.page(PATH, project="web")
    assert "A reason that only the SDK knows." in text
    assert "A quota is used up" not in text


async def test_the_table_behind_the_chart_is_in_the_page(browser: Browser) -> None:
    await some(browser)
    for period, rows in (("24h", 25), ("7d", 29), ("8d", 9), ("30d", 31), ("90d", 91)):
        text = await browser.page(PATH, statsPeriod=period)
        assert len(re.findall(r"<tr data-at=", text)) in {rows, rows - 1}
        values = [int(value) for value in re.findall(r'data-value="(\d+)"', text)]
        assert sum(values) >= 1_347


async def test_everything_as_csv(browser: Browser) -> None:
    await some(browser)
    await browser.count(3, Outcome.CLIENT_DISCARD, '=cmd|"x"', sdk="+1")
    text = await browser.page(PATH)
    assert "format=csv" in text
    answer = await browser.client.get(PATH, params={"format": "csv"})
    assert answer.headers["content-disposition"] == 'attachment; filename="outcomes-7d.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sum(int(row["quantity"]) for row in rows) == 1_350
    assert {row["project"] for row in rows} == {"web", "project-2"}
    assert not any(value.startswith(("=", "+")) for row in rows for value in row.values())


async def test_hostile_names(browser: Browser) -> None:
    await browser.count(3, Outcome.CLIENT_DISCARD, HOSTILE, sdk=HOSTILE)
    text = await browser.page(PATH)
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


async def test_many_reasons_are_cut(browser: Browser) -> None:
    for number in range(30):
        await browser.count(1 + number, Outcome.CLIENT_DISCARD, f"reason {number}", sdk=f"sdk/{number}")
    text = await browser.page(PATH)
    assert "and 5 more; the CSV has all of them" in text


async def test_nothing_and_no_one_else_s(browser: Browser) -> None:
    assert "No outcomes in this time" in await browser.page(PATH)
    assert "<h1" in await browser.page(PATH, 403, project="project-3")
    browser.sign_in(tenants={2: "owner"})
    await browser.page(PATH, 404)
    browser.client.cookies.clear()
    assert (await browser.client.get(PATH)).status_code == 303
