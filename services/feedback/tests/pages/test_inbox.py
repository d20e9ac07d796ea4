"""What the inbox shows: mailboxes, list, detail, filters, and what is switched off."""

import re
from datetime import timedelta
from typing import Any

import pytest
from feedback.pages.params import PROJECT_CHOICES_MAX
from hearback_contracts.flags import Feature
from hearback_devkit.fleet import publish_project
from hearback_kit.api.paging import encode_cursor

from ..conftest import MEMBERS, NOW, Api, Files
from .conftest import INBOX, Browser, parameters, shown, visitor


async def number(api: Api, event_id: str) -> str:
    found: str = (await api.issue(event_id))["id"]
    return found


async def test_an_empty_inbox_says_so_and_what_to_do(api: Api, browser: Browser) -> None:
    page = await browser.get()
    assert "No feedback yet" in page
    assert "/organizations/demo/projects/web/getting-started/" in page
    assert "/organizations/demo/projects/web/try/" in page
    assert "Choose a feedback" not in page
    assert "No spam" in await browser.get(mailbox="ignored")
    assert "Nothing resolved yet" in await browser.get(mailbox="resolved")
    assert "Nothing found" in await browser.get(query="word")
    event_id = await api.submit("one")
    assert "Choose a feedback" in await browser.get()
    assert "The inbox is empty" in await browser.change("resolve", await number(api, event_id))


async def test_the_list_is_newest_first_in_pages(api: Api, browser: Browser) -> None:
    for count in range(30):
        await api.submit(f"m{count:02}", timestamp=(NOW - timedelta(minutes=count)).timestamp())
    first = await browser.get()
    assert shown(first) == [f"m{count:02}" for count in range(25)]
    assert re.search(r'Inbox<span class="count tab-count">30</span>', first)
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = await browser.get(INBOX, **parameters(following[1]))
    assert shown(second) == [f"m{count:02}" for count in range(25, 30)]
    previous = re.search(r'rel="prev" href="([^"]+)"', second)
    assert previous is not None
    assert shown(await browser.get(INBOX, **parameters(previous[1]))) == shown(first)


async def test_mailboxes_hold_what_was_sorted_into_them(api: Api, browser: Browser) -> None:
    for name in ("inbox", "resolved", "spam"):
        event_id = await api.submit(name)
        if name != "inbox":
            status = {"resolved": "resolved", "spam": "ignored"}[name]
            path = f"/api/0/organizations/demo/issues/{await number(api, event_id)}/"
            await api.client.put(path, json={"status": status})
    assert shown(await browser.get()) == ["inbox"]
    assert shown(await browser.get(mailbox="resolved")) == ["resolved"]
    assert shown(await browser.get(mailbox="ignored")) == ["spam"]
    assert set(shown(await browser.get(mailbox="all"))) == {"inbox", "resolved", "spam"}
    # a search that names a mailbox means that one, whichever tab is open
    assert shown(await browser.get(query="is:resolved")) == ["resolved"]
    assert 'aria-current="page">Inbox' not in await browser.get(query="is:resolved")


async def test_searches_have_the_syntax_of_the_api(api: Api, browser: Browser) -> None:
    await api.submit("The cart is broken", tags={"customer": "c1"}, environment="production")
    await api.submit("Dark mode please", tags={"customer": "c2"}, environment="staging")
    assert shown(await browser.get(query="customer:c1")) == ["The cart is broken"]
    assert shown(await browser.get(query="!customer:c1")) == ["Dark mode please"]
    assert shown(await browser.get(environment="staging")) == ["Dark mode please"]
    assert shown(await browser.get(source="new_feedback_envelope", query="cart")) == ["The cart is broken"]
    assert shown(await browser.get(source="crash_report_embed_form")) == []
    assert len(shown(await browser.get(statsPeriod="24h"))) == 2
    assert shown(await browser.get(start=(NOW + timedelta(days=1)).date().isoformat())) == []
    assert len(shown(await browser.get(project="web"))) == 2


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"query": "nokey:1"}, "Invalid search key"),
        ({"query": "is:nothing"}, "Invalid is value"),
        ({"query": "a OR b"}, "not supported"),
        ({"statsPeriod": "soon"}, "Invalid statsPeriod"),
        ({"start": "yesterday"}, "Invalid date"),
        ({"cursor": "x"}, "Invalid cursor"),
    ],
)
async def test_what_cannot_be_understood_is_said_in_the_list(browser: Browser, params: Any, said: str) -> None:
    page = await browser.get(status=400, **params)
    assert said in page
    assert 'role="search"' in page


async def test_a_strange_project_or_mailbox_is_refused(browser: Browser) -> None:
    assert "do not have access" in await browser.get(project="strange", status=403)
    await browser.get(mailbox="strange", status=400)
    await browser.get(source="strange", status=400)


async def test_one_feedback_shows_all_that_is_known(api: Api, browser: Browser, files: Files) -> None:
    event_id = await api.submit(
        "It is broken",
        event_id="e" * 32,
        release="shop@1.0",
        environment="production",
        user={"id": "u1", "email": "jane@example.com"},
        tags={"customer": "c 1"},
        contexts={"replay": {"replay_id": "a" * 32}, "browser": {"name": "Firefox", "version": "149"}},
        feedback={"name": "Jane", "contact_email": "jane@example.com", "url": "https://shop.example.com/cart"},
    )
    await files.store(b"\x89PNG", name="screenshot.png", content_type="image/png")
    await files.store(b"line", name="console.log", content_type="text/plain")
    found = await number(api, event_id)
    page = await browser.get(feedbackSlug=f"web:{found}")
    for text in ("It is broken", "Jane", "shop@1.0", "production", "u1", "Firefox 149", "a" * 32, "WEB-1"):
        assert text in page, text
    assert 'href="mailto:jane@example.com"' in page
    assert 'rel="noopener noreferrer nofollow" target="_blank" dir="ltr">https://shop.example.com/cart' in page
    assert "query=customer%3A%22c+1%22" in page
    assert 'alt="Picture 1 of 1: screenshot.png"' in page
    assert re.search(r'class="file" href="[^"]+\?download=1" download', page)
    assert f"/api/0/organizations/demo/issues/{found}/events/latest/" in page
    permalink = f"http://testserver/organizations/demo/feedback/?feedbackSlug=web%3A{found}"
    assert f'data-copy="{permalink}"' in page
    assert f'data-copy="{"e" * 32}"' in page


async def test_scripts_get_the_part_that_they_replace(api: Api, browser: Browser) -> None:
    found = await number(api, await api.submit("It is broken"))
    browser.client.headers["HX-Target"] = "detail"
    page = await browser.get(feedbackSlug=f"web:{found}")
    assert "<html" not in page
    assert page.lstrip().startswith("<article")
    browser.client.headers["HX-Target"] = "tabs"
    page = await browser.get()
    assert 'class="tab"' in page
    assert "It is broken" not in page


async def test_a_feedback_that_is_gone_or_was_never_there_is_404(browser: Browser) -> None:
    for slug in ("web:2", "2", "web:99999999999999999999", "nonsense", "web:", "a:b:2", "web:-2"):
        assert "There is no such feedback" in await browser.get(feedbackSlug=slug, status=404)


async def test_hidden_feedback_leaves_an_empty_list_that_says_so(api: Api, browser: Browser, redis: Any) -> None:
    found = await number(api, await api.submit("secret"))
    await publish_project(redis, members=MEMBERS, features={Feature.VISIBLE: False})
    page = await browser.get()
    assert "organizations:feedback-visible" in page
    assert "secret" not in page
    assert "secret" not in await browser.get(feedbackSlug=f"web:{found}", status=404)
    await browser.get(f"{INBOX}{found}/beside/", status=404)
    await browser.get(f"/organizations/demo/issues/{found}/", status=404)


async def test_switched_off_pages_say_by_what(api: Api, browser: Browser, redis: Any) -> None:
    await api.submit("secret")
    await publish_project(redis, members=MEMBERS, features={Feature.UI: False})
    page = await browser.get()
    assert "organizations:user-feedback-ui" in page
    assert "secret" not in page


async def test_addresses_of_issues_lead_to_the_inbox(api: Api, browser: Browser) -> None:
    found = await number(api, await api.submit("It is broken"))
    for name in (found, "WEB-1", "web-1"):
        response = await browser.client.get(f"/organizations/demo/issues/{name}/")
        assert response.status_code == 302
        assert response.headers["location"] == f"{INBOX}?feedbackSlug=web%3A{found}"
    for name in ("4", "WEB-9", "x" * 300):
        await browser.get(f"/organizations/demo/issues/{name}/", status=404)


async def test_numbers_and_short_ids_lead_to_the_submission(api: Api, browser: Browser) -> None:
    event_id = await api.submit("one")
    issue = await api.issue(event_id)
    path = f"{INBOX}submission/"
    for given in (issue["id"], issue["shortId"], issue["shortId"].lower(), f" {issue['shortId']} "):
        answer = await browser.client.get(path, params={"id": given})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/organizations/demo/submissions/{event_id}/?project=web"
    for given in ("WEB-999", "999", "nonsense", ""):
        answer = await browser.client.get(path, params={"id": given})
        assert answer.headers["location"] == f"/organizations/demo/submissions/?query={given}&looked=1"


async def test_several_environments_are_chosen_at_once(api: Api, browser: Browser) -> None:
    for name in ("production", "staging", "Canary"):
        await api.submit(f"in {name}", environment=name)
    assert set(shown(await browser.get(environment=["staging", "production"]))) == {"in staging", "in production"}
    page = await browser.get(environment="staging", environments=" Canary , ,staging")
    assert set(shown(page)) == {"in staging", "in Canary"}
    assert page.count('name="environment" value="Canary" checked') == 1
    assert page.count('<input type="hidden" name="environment"') == 2  # of the form that changes many
    part = await browser.get(f"{INBOX}environments/", environment="Canary")
    assert re.findall(r'name="environment" value="([^"]+)"( checked)?', part) == [
        ("Canary", " checked"), ("production", ""), ("staging", ""),
    ]  # fmt: skip


async def test_exports_are_of_what_is_found(api: Api, browser: Browser) -> None:
    await api.submit("one", tags={"customer": "c1"})
    await api.submit("two", tags={"customer": "c2"})
    page = await browser.get(query="customer:c1", statsPeriod="24h")
    [csv, json] = re.findall(r'download href="([^"]+format=[^"]+)"', page)
    assert parameters(csv)["query"] == ["issue.category:feedback customer:c1 is:unresolved"]
    for url in (csv, json):
        response = await browser.client.get(url.replace("&amp;", "&"))
        assert response.status_code == 200
        assert "one" in response.text
        assert "two" not in response.text


async def test_the_last_day_of_a_range_is_within_it(api: Api, browser: Browser) -> None:
    await api.submit("of this day")
    [row] = await api.list("")
    day = row["firstSeen"][:10]
    page = await browser.get(start=day, end=day)
    assert "of this day" in page
    [csv, _] = re.findall(r'download href="([^"]+format=[^"]+)"', page)
    assert "of this day" in (await browser.client.get(csv.replace("&amp;", "&"))).text


async def test_without_a_session_one_is_led_to_sign_in(api: Api) -> None:
    response = await api.client.get(INBOX, headers={"Authorization": ""})
    assert response.status_code == 303
    assert response.headers["location"].startswith("/auth/login/")


@pytest.mark.usefixtures("other_organization")
async def test_other_organizations_see_nothing(api: Api) -> None:
    found = await number(api, await api.submit("secret"))
    stranger = visitor(api, tenants={2: "owner"})
    newer = f"newer/?after={encode_cursor((NOW, 0))}"
    for path in (
        INBOX,
        f"{INBOX}?feedbackSlug=web:{found}",
        f"{INBOX}{found}/beside/",
        f"{INBOX}news/?id={found}",
        f"{INBOX}{newer}",
        f"{INBOX}suggestions/?text=is:",
        f"{INBOX}live/",
        f"/organizations/demo/issues/{found}/",
    ):
        await stranger.get(path, status=404)
    theirs = "/organizations/organization-2/feedback/"
    assert "secret" not in await stranger.get(f"{theirs}?mailbox=all")
    assert "secret" not in await stranger.get(f"{theirs}?feedbackSlug=web:{found}", status=404)
    await stranger.get(f"{theirs}{found}/beside/", status=404)
    assert (await stranger.client.get(f"{theirs}news/?id={found}")).json() == {"count": 0}
    assert (await stranger.client.get(f"{theirs}{newer}")).json() == {"ids": [], "more": False}
    await stranger.get(f"/organizations/organization-2/issues/{found}/", status=404)
    await stranger.get("/organizations/organization-2/issues/WEB-1/", status=404)


async def test_of_many_projects_some_are_listed_and_others_found_by_name(
    api: Api, browser: Browser, redis: Any
) -> None:
    for project_id in range(2, 41):
        await publish_project(redis, project_id=project_id)
    page = await browser.get(project="project-40")
    listed = re.findall(r'type="checkbox" name="project" value="([^"]+)"( checked)?', page)
    assert listed[0] == ("project-40", " checked")
    assert len(listed) == PROJECT_CHOICES_MAX
    assert "Another of 40 projects" in page
    chosen = [f"project-{project_id}" for project_id in range(2, 40)]
    page = await browser.get(project=chosen)
    assert page.count('name="project" value="') == len(chosen)
    found = await browser.get(f"{INBOX}projects/", project="Project-3")
    assert re.findall(r'<option value="([^"]+)">', found) == [f"project-{n}" for n in (3, *range(30, 40))]


async def test_only_what_does_something_is_offered(api: Api, browser: Browser) -> None:
    await api.submit("one")
    assert 'name="everything"' not in await browser.get()
    assert "Search all mailboxes" in await browser.get(query="nothing")
    assert "Search all mailboxes" not in await browser.get(query="nothing", mailbox="all")
    for number in range(25):
        await api.submit(f"more {number}")
    assert 'name="everything"' in await browser.get()
