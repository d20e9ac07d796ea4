"""Data related to a feedback, the news of a list, and suggestions for searches."""

import dataclasses
import json
import re
from typing import Any

import pytest
from feedback.pages.news import IDS_MAX
from feedback.service.ask_fleet import Known
from hearback_kit.api.paging import encode_cursor
from sqlalchemy import text as sql

from ..conftest import NOW, Api, Files, submitted
from .conftest import INBOX, Browser

ERROR = "e" * 32
PLACE = encode_cursor((NOW, 1))


class OtherServices:
    """What other services answer in a test; anything else is not available."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        async def answer(*_: Any) -> Known:
            return Known(self._answers[name]) if name in self._answers else Known(is_available=False)

        return answer


def answering(api: Api, **answers: Any) -> None:
    """Let the app's other services answer like this."""
    app = api.app
    app.state.state = dataclasses.replace(app.state.state, fleet=OtherServices(**answers))


async def stored(api: Api, message: str = "The export fails", **more: Any) -> str:
    found: str = (await api.issue(await api.submit(message, **more)))["id"]
    return found


async def related(browser: Browser, issue_id: str) -> str:
    return await browser.get(f"{INBOX}{issue_id}/beside/")


async def test_fate_deliveries_and_error_are_shown(api: Api, browser: Browser) -> None:
    step = {"at": "2026-11-24T12:00:00Z", "service": "feedback", "step": "judged_spam", "reason": "spam"}
    delivery = {
        "channel": "email", "target": "dev@example.com", "rule": "Members", "state": "sent",
        "answer": "250 OK", "dateCreated": "2026-11-24T12:00:00Z", "dateFinished": None,
    }  # fmt: skip
    report = {"name": "Bob", "comments": "It crashed", "dateCreated": "2026-11-24T12:00:00Z"}
    answering(
        api,
        fate={"steps": [step]},
        deliveries=[delivery],
        error={"groupId": "7", "event": {"title": "TypeError: x", "level": "error"}},
        reports=[report],
    )
    number = await stored(api, feedback={"associated_event_id": ERROR})
    await stored(api, "Me too", feedback={"associated_event_id": ERROR})
    page = await related(browser, number)
    for text in ("Judged to be spam", "dev@example.com", "250 OK", "TypeError: x", "It crashed", "Bob", "Me too"):
        assert text in page, text
    assert 'href="/organizations/demo/issues/7/"' in page
    whole = await browser.get(feedbackSlug=f"web:{number}", more="1")
    assert "TypeError: x" in whole


async def test_what_is_not_available_is_said(api: Api, browser: Browser) -> None:
    answering(api)
    number = await stored(api, feedback={"associated_event_id": ERROR})
    page = await related(browser, number)
    assert page.count("Not available at the moment.") == 2
    assert "The error is not available at the moment." in page


async def test_nothing_there_is_said(api: Api, browser: Browser) -> None:
    answering(api, fate=None, deliveries=[], error=None, reports=[])
    page = await related(browser, await stored(api, feedback={"associated_event_id": ERROR}))
    assert "no longer has this submission" in page
    assert "No notification was sent." in page
    assert "has not been received" in page
    page = await related(browser, await stored(api, "unlinked"))
    assert "Linked error" not in page


@pytest.mark.parametrize("nonsense", [[1, "x", None], {"steps": "x"}, "text", 7])
async def test_strange_answers_break_nothing(api: Api, browser: Browser, nonsense: Any) -> None:
    answering(api, fate=nonsense, deliveries=nonsense, error=nonsense, reports=nonsense)
    await related(browser, await stored(api, feedback={"associated_event_id": ERROR}))


async def test_similar_feedback_is_shown(api: Api, browser: Browser) -> None:
    answering(api)
    number = await stored(api, "The export to PDF does not work")
    await api.submit("the PDF export does not work")
    await api.submit("Dark mode")
    page = await related(browser, number)
    assert "the PDF export does not work" in page
    assert "Dark mode" not in page


async def test_files_that_came_later_are_a_part_of_their_own(api: Api, browser: Browser, files: Files) -> None:
    event_id = await api.submit("With a picture")
    number = (await api.issue(event_id))["id"]
    page = await browser.get(feedbackSlug=f"web:{number}")
    assert 'class="shot"' not in page
    assert f'hx-get="{INBOX}{number}/files/"' in page
    assert (await browser.get(f"{INBOX}{number}/files/")).strip() == ""
    await files.store(b"\x89PNG", event_id, name="screenshot.png", content_type="image/png")
    await files.store(b"line", event_id, name="log.txt", content_type="text/plain")
    part = await browser.get(f"{INBOX}{number}/files/")
    assert part.count('class="shot"') == part.count('class="file"') == 1
    assert "<html" not in part
    await browser.get(f"{INBOX}4711/files/", 404)


async def test_a_list_hears_which_of_its_rows_have_files_by_now(api: Api, browser: Browser, files: Files) -> None:
    one, other = await api.submit("one"), await api.submit("other")
    numbers = {event_id: (await api.issue(event_id))["id"] for event_id in (one, other)}
    asked = f"{INBOX}attached/?{'&'.join(f'id={number}' for number in [*numbers.values(), 'x', '4711'])}"
    assert json.loads(await browser.get(asked)) == {"ids": []}
    assert "has-files" not in rows_part(await browser.get())
    await files.store(b"\x89PNG", one, name="screenshot.png", content_type="image/png")
    assert json.loads(await browser.get(asked)) == {"ids": [numbers[one]]}
    assert rows_part(await browser.get()).count("has-files") == 1


def rows_part(page: str) -> str:
    """Return the rows of a page's list."""
    return page[page.index('id="rows"') :].partition("</ul>")[0]


async def test_what_is_not_there_is_404(browser: Browser) -> None:
    for name in ("2", "x", "99999999999999999999"):
        await browser.get(f"{INBOX}{name}/beside/", status=404)


async def test_news_are_counted_as_the_list_would_show_them(api: Api, browser: Browser) -> None:
    one = await stored(api, "one", environment="production")
    two = await stored(api, "two", environment="staging")

    async def count(**params: Any) -> int:
        response = await browser.client.get(f"{INBOX}news/", params={"id": [one, two, "x"], **params})
        assert response.status_code == 200
        found: int = response.json()["count"]
        return found

    assert await count() == 2
    assert await count(environment="staging") == 1
    assert await count(query="one") == 1
    assert await count(mailbox="resolved") == 0
    assert await count(id="x") == 0


async def newer(browser: Browser, page: str) -> dict[str, Any]:
    """What came after a page was read."""
    place = re.search(r'data-after="([^"]+)" data-since="([^"]*)"', page)
    assert place
    response = await browser.client.get(f"{INBOX}newer/", params={"after": place[1], "since": place[2]})
    found: dict[str, Any] = response.json()
    return found


async def test_what_came_after_a_page_was_read_is_found(api: Api, browser: Browser) -> None:
    """On every page, whatever it shows; and nothing that was there before."""
    views = [{}, {"query": "two"}, {"query": "environment:canary"}, {"mailbox": "resolved"}]
    pages = [await browser.get(**view) for view in views]
    one, two = await stored(api, "one"), await stored(api, "two")
    for page in pages:
        assert await newer(browser, page) == {"ids": [two, one], "more": False}
    now = api.intake.clock.move(minutes=1)
    pages = [await browser.get(**view) for view in views]
    for page in pages:
        assert await newer(browser, page) == {"ids": [], "more": False}
    three = await stored(api, "three", received_at=now, timestamp=now.timestamp())
    for page in pages:
        assert await newer(browser, page) == {"ids": [three], "more": False}
    assert (await browser.client.get(f"{INBOX}newer/")).json() == {"ids": [three, two, one], "more": False}


async def test_what_is_committed_after_a_larger_id_is_found(api: Api, browser: Browser) -> None:
    """Ids are reserved before their rows are committed, and batches are stored beside each other."""

    async def stored_as(number: int) -> str:
        async with api.intake.database.transaction() as connection:
            await connection.execute(sql("SELECT setval('feedback_id_seq', :number, false)"), {"number": number})
        return await stored(api)

    first = await stored_as(20)
    page = await browser.get()
    late = await stored_as(10)
    assert (await newer(browser, page))["ids"] == [first, late], "the script leaves out what is listed"
    api.intake.clock.move(minutes=1)
    assert (await newer(browser, await browser.get()))["ids"] == []


async def test_more_than_is_named_is_said(api: Api, browser: Browser) -> None:
    page = await browser.get(query="rare")
    await api.intake.take(*(submitted() for _ in range(IDS_MAX - 1)))
    found = await newer(browser, page)
    assert (len(found["ids"]), found["more"]) == (IDS_MAX - 1, False)
    await api.submit()
    found = await newer(browser, page)
    assert (len(found["ids"]), found["more"]) == (IDS_MAX, True)
    assert (await newer(browser, await browser.get(query="rare")))["more"] is False


async def test_what_belongs_on_a_later_page_is_no_news(api: Api, browser: Browser) -> None:
    """An SDK that was offline sends what is older than a whole page."""
    size = api.intake.settings.page_size
    for number in range(size + 1):
        await api.submit(f"number {number}")
    api.intake.clock.move(minutes=1)
    page = await browser.get()
    [cursor] = re.findall(r'data-since="([^"]+)"', page)
    assert cursor in page.partition("inbox-pages")[2]
    late = await stored(api, "late", timestamp=NOW.timestamp() - 86_400)
    assert (await newer(browser, page))["ids"] == []
    assert (await newer(browser, page.replace(f'data-since="{cursor}"', 'data-since=""')))["ids"] == [late]
    assert "data-after" not in await browser.get(cursor=cursor)


@pytest.mark.parametrize("asked", [{"after": "x"}, {"after": "1"}, {"after": PLACE, "since": "x"}])
async def test_places_that_are_none_are_refused(browser: Browser, asked: Any) -> None:
    assert (await browser.client.get(f"{INBOX}newer/", params=asked)).status_code == 400


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "is:"), ("envi", "environment:"), ("!envi", "!environment:"), ("is:unr", "is:unresolved"),
        ("assigned:dev", "assigned:dev@example.com"), ("project:w", "project:web"),
        ("environment:", "environment:production"), ("release:shop", "release:shop@1.0"), ("cust", "customer:"),
        ("customer:", 'customer:"c 1"'), ("source:crash", "source:crash_report_embed_form"),
        ("issue.priority:h", "issue.priority:high"), ("has:", "has:user.email"),
        ("has_attachments:", "has_attachments:true"),
    ],
)  # fmt: skip
async def test_terms_are_suggested(api: Api, browser: Browser, text: str, wanted: str) -> None:
    await api.submit("one", environment="production", release="shop@1.0", tags={"customer": "c 1"})
    response = await browser.client.get(f"{INBOX}suggestions/", params={"text": text})
    assert wanted in response.json()["suggestions"]


async def test_nonsense_suggests_nothing(browser: Browser) -> None:
    for text in (":", "::", "!", "%_:\\", '"', "x" * 200):
        response = await browser.client.get(f"{INBOX}suggestions/", params={"text": text})
        assert response.status_code == 200, text
    assert (await browser.client.get(f"{INBOX}suggestions/", params={"text": "%"})).json() == {"suggestions": []}
