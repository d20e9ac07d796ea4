"""What every page does with a value in its address that it cannot use: 400, which names it, and a way on.

Of a path it is 404, whatever it is.
"""

import html
from typing import Final

import pytest
from page_table import Address, pages
from world import World

LONG: Final = "x" * 6_000
LISTS: Final = (
    "/organizations/{organization}/feedback/",
    "/organizations/{organization}/submissions/",
    "/organizations/{organization}/user-feedback/",
    "/settings/{organization}/audit-log/",
    "/settings/{organization}/members/",
    "/settings/{organization}/tokens/",
    "/settings/{organization}/projects/",
    "/settings/{organization}/projects/{project}/keys/",
    "/settings/{organization}/projects/{project}/deliveries/",
)
FILTERED: Final = (*LISTS[:3], "/organizations/{organization}/stats/")
REFUSED: Final = [
    *((path, "cursor=abc", 400, "Invalid cursor") for path in LISTS),
    *((path, "project=nowhere", 403, "You do not have access to one of the projects") for path in FILTERED),
    *((path, f"query={LONG}", 400, "query is too long: at most") for path in FILTERED[:3]),
    *((path, "statsPeriod=soon", 400, "soon") for path in (LISTS[0], LISTS[2], FILTERED[3])),
    (LISTS[0], "start=soon", 400, "Invalid date: start=soon"),
    (LISTS[0], "end=2020-99-99", 400, "Invalid date: end=2020-99-99"),
    (LISTS[0], "mailbox=nowhere", 400, "There is no such mailbox or source"),
    (LISTS[0], "source=nowhere", 400, "There is no such mailbox or source"),
    (LISTS[0], "query=is%3Anowhere", 400, "nowhere"),
    (LISTS[1], "start=soon", 400, "Invalid date: start=soon"),
    (LISTS[1], "end=2020-99-99", 400, "Invalid date: end=2020-99-99"),
    (LISTS[1], "state=nowhere", 400, 'Invalid state: "nowhere"'),
    (LISTS[1], "source=nowhere", 400, 'Invalid source: "nowhere"'),
    (LISTS[1], "per_page=many", 400, "The address has a value of per_page that is not valid"),
    (LISTS[2], "view=nowhere", 400, 'Invalid view: "nowhere"'),
    (LISTS[2], f"environment={LONG}", 400, "environment is too long: at most"),
    (LISTS[8], "state=nowhere", 400, 'Invalid state: "nowhere"'),
    (LISTS[8], f"query={LONG}", 400, "query is too long: at most"),
    (FILTERED[3], "category=nowhere", 400, 'Invalid category: "nowhere"'),
    (FILTERED[3], "format=xml", 400, 'Invalid format: "xml"'),
    (FILTERED[3], "statsPeriod=9999d", 400, "would create too many results"),
]
HARMLESS: Final = (
    "utm_source=mail",
    "project=",
    "statsPeriod=",
    "state=",
    "source=",
    "query=",
    "view=",
    "cursor=",
)


@pytest.mark.parametrize(("path", "query", "status", "words"), REFUSED)
def test_a_value_that_a_page_cannot_use_is_named_and_there_is_a_way_on(
    world: World, sessions: dict[str, str], path: str, query: str, status: int, words: str
) -> None:
    address = path.format(organization=world.full.organization, project=world.full.project)
    with world.browser(sessions["owner"]) as browser:
        answer = browser.get(f"{address}?{query}")
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        main = html.unescape(answer.text).partition("<main")[2].partition("</main>")[0]
        assert words in main
        assert f'href="{address}"' in main
        assert browser.get(address).status_code == 200


@pytest.mark.parametrize("path", sorted({*LISTS, *FILTERED}))
def test_what_is_empty_or_unknown_changes_nothing(world: World, sessions: dict[str, str], path: str) -> None:
    address = path.format(organization=world.full.organization, project=world.full.project)
    with world.browser(sessions["owner"]) as browser:
        for query in HARMLESS:
            assert browser.get(f"{address}?{query}").status_code == 200, query


@pytest.mark.parametrize("page", [one for one in pages("GET") if one.parameters], ids=str)
@pytest.mark.parametrize("value", ["nowhere", LONG[:2_000], "99999999999999999999", "%F0%9F%99%82"])
def test_a_path_that_names_nothing_is_not_found(
    world: World, sessions: dict[str, str], page: Address, value: str
) -> None:
    with world.browser(sessions["owner"]) as browser:
        for name in page.parameters:
            if name != "rest":
                address = page.fill({**world.known, f"{page.service}.{name}": value})
                assert browser.get(address, follow_redirects=True).status_code == 404, address


def addresses_of_forms() -> list[Address]:
    """Return the addresses that only forms are sent to, but one that reads as that of a delivery."""
    shown = {page.path for page in pages("GET")} | {
        "/settings/{organization}/projects/{project}/deliveries/resume/"
    }
    return [page for page in pages("POST") if page.path not in shown]


@pytest.mark.parametrize("page", addresses_of_forms(), ids=str)
def test_the_address_of_a_form_leads_to_its_page(world: World, sessions: dict[str, str], page: Address) -> None:
    """As when it is opened again after the form was refused, or after the browser was."""
    with world.browser(sessions["owner"]) as browser:
        answer = browser.get(page.fill(world.known))
        assert answer.status_code == 303
        assert page.fill(world.known).startswith(answer.headers["location"])
        assert browser.get(answer.headers["location"], follow_redirects=True).status_code == 200
