"""The page of reports and their errors: which wait, which never got one, which name none."""

from typing import Any

import pytest
from hearback_contracts.identifiers import NO_EVENT_ID
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import eventually
from hearback_kit.values.ids import random_id

PATH = "/organizations/demo/user-feedback/"


async def some(harness: Any) -> None:
    """A report of each kind: old, waiting, about no error, linked; and one of another project and organization."""
    await harness.deliver(harness.report(random_id(), "never arrived"))
    harness.clock.move(hours=30)
    event_id = random_id()
    await harness.deliver(
        harness.report(random_id(), "still waiting"),
        harness.report(NO_EVENT_ID, "names none"),
        harness.event(event_id, environment="staging"),
        harness.report(event_id, "is linked"),
        harness.report(random_id(), "of another project", project_id=2),
        harness.report(random_id(), "of strangers", project_id=3, organization_id=2),
    )


ALL = {"never arrived", "still waiting", "names none", "is linked", "of another project"}


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({}, ALL - {"is linked"}),
        ({"view": ""}, ALL - {"is linked"}),
        ({"view": "waiting"}, {"still waiting", "of another project"}),
        ({"view": "missing"}, {"never arrived"}),
        ({"view": "none"}, {"names none"}),
        ({"view": "linked"}, {"is linked"}),
        ({"project": "project-2"}, {"of another project"}),
        ({"query": "WAITING"}, {"still waiting"}),
        ({"query": "grace@example"}, ALL - {"is linked"}),
        ({"query": "100%"}, set()),
        ({"statsPeriod": "24h"}, ALL - {"is linked", "never arrived"}),
        ({"view": "missing", "statsPeriod": "24h"}, set()),
        ({"view": "linked", "environment": "staging"}, {"is linked"}),
        ({"view": "linked", "environment": "production"}, set()),
    ],
)
async def test_reports_are_filtered(harness: Any, browser: Any, params: dict[str, str], shown: set[str]) -> None:
    await some(harness)
    text = await browser.page(PATH, **params)
    assert {words for words in (*ALL, "of strangers") if f'dir="auto">{words}</p>' in text} == shown


async def test_each_state_says_what_it_means(harness: Any, browser: Any) -> None:
    await some(harness)
    text = await browser.page(PATH)
    for words in ("Waits for its error", "Error never arrived", "Names no error"):
        assert words in text
    assert "until a report is 24 hours old" in await browser.page(PATH, view="waiting")
    assert "The words are kept for 90 days" in await browser.page(PATH, view="missing")
    assert "all-zero event id" in await browser.page(PATH, view="none")
    assert "/organizations/demo/issues/1/feedback/" in await browser.page(PATH, view="linked")


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"statsPeriod": "soon"}, 400),
        ({"cursor": "x"}, 400),
        ({"per_page": "0"}, 400),
        ({"query": "x" * 201}, 400),
        ({"project": "project-3"}, 403),
    ],
)
async def test_what_cannot_be_shown_is_a_page(browser: Any, params: dict[str, str], status: int) -> None:
    text = await browser.page(PATH, status, **params)
    assert text.count("<h1") == 1


async def test_pages_by_keyset(harness: Any, browser: Any) -> None:
    for number in range(5):
        harness.clock.move(minutes=1)
        await harness.deliver(harness.report(random_id(), f"report {number}"))
    seen, url = [], f"{PATH}?view=waiting&per_page=2"
    for _ in range(3):
        text = (await browser.client.get(url)).text
        seen += [number for number in range(5) if f">report {number}</p>" in text]
        url = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        assert url or len(seen) == 5
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert 'rel="prev"' in text


async def test_nothing_to_show(harness: Any, browser: Any, redis: Any) -> None:
    await harness.deliver(harness.event("a" * 32))
    assert "No report is without its error" in await browser.page(PATH)
    assert "Nothing matches" in await browser.page(PATH, query="x")
    await publish_project(redis, features={"organizations:user-feedback-ui": False})

    async def is_off() -> bool:
        return "switched off" in await browser.page(PATH)

    await eventually(is_off)
    assert "switched off" in await browser.page("/organizations/demo/issues/1/feedback/")
