"""Pages of a small app: guard, forms, policies, errors, static files."""

import re

import httpx
import pytest
from hearback_kit.auth import SESSION_COOKIE


def token_of(page: httpx.Response) -> str:
    """Return the token that a page gives its forms."""
    return page.text.partition('"X-CSRF-Token": "')[2].partition('"')[0]


INBOX = "/organizations/acme/feedback/"
ALERTS = "/settings/acme/projects/web/alerts/"


async def test_without_a_session_a_page_leads_to_sign_in_and_back(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get(INBOX, params={"query": "is:spam"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/auth/login/?next=/organizations/acme/feedback/%3Fquery%3Dis%253Aspam"


async def test_a_token_of_the_api_opens_no_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.get(INBOX, headers={"Authorization": "Bearer x"})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("", ""),
        ("/", ""),
        ("/auth/login/", ""),
        ("]/", ""),  # no address
        (f"{INBOX}?feedbackSlug=web%3A7", "?next=/organizations/acme/feedback/%3FfeedbackSlug%3Dweb%253A7"),
    ],
)
async def test_a_session_that_ended_leads_back_to_the_page_it_ended_on(
    visitor: httpx.AsyncClient, page: str, back: str
) -> None:
    address = f"https://[{page}" if page == "]/" else page and f"https://hearback.example{page}"
    answer = await visitor.get(INBOX, headers={"HX-Request": "true", "HX-Current-URL": address})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, f"/auth/login/{back}")
    answer = await visitor.post(INBOX, headers={"Referer": address})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/auth/login/{back}")


@pytest.mark.parametrize(
    ("session", "path", "status"),
    [
        ("owner-session", INBOX, 200),
        ("owner-session", "/organizations/1/feedback/", 200),
        ("viewer-session", INBOX, 200),
        ("stranger-session", INBOX, 404),
        ("owner-session", "/organizations/other/feedback/", 404),
        ("owner-session", "/organizations/none/feedback/", 404),
        ("owner-session", ALERTS, 200),
        ("viewer-session", ALERTS, 403),
        ("owner-session", "/settings/acme/projects/app/alerts/", 404),
        ("owner-session", "/settings/acme/projects/8/alerts/", 404),
        ("owner-session", "/settings/nothing/", 404),
    ],
)
async def test_who_may_see_a_page(visitor: httpx.AsyncClient, session: str, path: str, status: int) -> None:
    visitor.cookies.set(SESSION_COOKIE, session)
    answer = await visitor.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.count("<h1") == 1


async def test_every_page_has_a_policy_with_a_fresh_nonce(browser: httpx.AsyncClient) -> None:
    answers = [await browser.get(path) for path in (INBOX, INBOX, "/auth/x/")]
    policies = [answer.headers["content-security-policy"] for answer in answers]
    for policy in policies:
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
    assert len(set(policies)) == 3


async def test_headers_of_pages_and_redirects(browser: httpx.AsyncClient) -> None:
    for answer in (await browser.get(INBOX), await browser.post("/auth/login/"), await browser.get("/settings/")):
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


async def test_a_page_has_no_inline_script_or_style(browser: httpx.AsyncClient) -> None:
    text = (await browser.get(INBOX)).text
    assert re.findall(r"<script(?![^>]*src=)", text) == []
    assert re.findall(r"\s(?:style|on\w+)=", text) == []


async def test_a_form_needs_the_token_of_its_browser(browser: httpx.AsyncClient) -> None:
    token = token_of(await browser.get(INBOX))
    assert token
    answer = await browser.post(INBOX, data={"csrf_token": token, "id": ["1", "2"]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await browser.post(INBOX, headers={"X-CSRF-Token": token}, data={"a": "b"})).status_code == 303
    for wrong in ("", "x", token[:-4], "A" * len(token), "ü", token_of(await browser.get(INBOX))[:-1] + "!"):
        answer = await browser.post(INBOX, data={"csrf_token": wrong})
        assert answer.status_code == 403
    browser.cookies.set(SESSION_COOKIE, "viewer-session")
    assert (await browser.post(INBOX, data={"csrf_token": token})).status_code == 403


async def test_a_page_gives_a_new_token_each_time(browser: httpx.AsyncClient) -> None:
    assert token_of(await browser.get(INBOX)) != token_of(await browser.get(INBOX))


async def test_a_browser_without_a_session_has_a_token_too(visitor: httpx.AsyncClient) -> None:
    token = token_of(await visitor.get("/auth/login/"))
    assert (await visitor.post("/auth/login/", data={"csrf_token": token})).status_code == 303
    visitor.cookies.clear()
    assert (await visitor.post("/auth/login/", data={"csrf_token": token})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
)
async def test_a_form_from_another_site_is_refused(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    token = token_of(await browser.get(INBOX))
    assert (await browser.post(INBOX, data={"csrf_token": token}, headers=headers)).status_code == 403


async def test_a_form_has_bounds(browser: httpx.AsyncClient) -> None:
    token = token_of(await browser.get(INBOX))
    headers = {"X-CSRF-Token": token}
    assert (await browser.post(INBOX, headers=headers, data={"id": ["1"] * 500})).status_code == 303
    assert (await browser.post(INBOX, headers=headers, data={"id": ["1"] * 501})).status_code == 400
    assert (await browser.post(INBOX, headers=headers, data={"next": "/" + "x" * 2_000})).status_code == 400
    assert (await browser.post(INBOX, headers=headers, json={"id": 1})).status_code == 400


async def test_what_was_done_is_said_once_and_can_be_undone(browser: httpx.AsyncClient) -> None:
    token = token_of(await browser.get(INBOX))
    await browser.post(INBOX, data={"csrf_token": token, "id": ["1", "2"]})
    text = (await browser.get(INBOX)).text
    assert "Resolved &lt;b&gt;2&lt;/b&gt;." in text
    assert text.count('<input type="hidden" name="id"') == 2
    assert "Resolved" not in (await browser.get(INBOX)).text


async def test_what_was_done_cannot_be_forged(browser: httpx.AsyncClient) -> None:
    browser.cookies.set("hearback_flash", "eyJ0ZXh0IjoiSGFjayJ9.AAAAAAAAAAAAAAAAAAAAAAAA")
    assert (await browser.get(INBOX)).status_code == 200
    browser.cookies.set("hearback_flash", "=.=")
    assert (await browser.get(INBOX)).status_code == 200


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "/\t/evil.example", "x", "data:0"],
)
async def test_a_redirect_leads_nowhere_else(browser: httpx.AsyncClient, target: str) -> None:
    token = token_of(await browser.get(INBOX))
    answer = await browser.post(INBOX, data={"csrf_token": token, "next": target})
    assert answer.headers["location"] == "/"


async def test_a_crash_is_a_page_that_says_nothing_of_the_code(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/organizations/acme/stats/")
    assert answer.status_code == 500
    assert "<h1" in answer.text
    assert "secret" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


async def test_errors_of_pages_are_pages_and_escaped(browser: httpx.AsyncClient) -> None:
    token = token_of(await browser.get(INBOX))
    form = {"Referer": f"http://hearback.example{ALERTS}?page=2"}
    answer = await browser.post("/organizations/acme/stats/", data={"csrf_token": token}, headers=form)
    assert answer.status_code == 409
    assert f'href="{ALERTS}?page=2"' in answer.text
    assert "Someone else &lt;changed&gt; this." in answer.text
    assert (await browser.get("/organizations/acme/stats/", params={"number": "x"})).status_code == 400
    assert (await browser.put(INBOX)).status_code == 405


@pytest.mark.parametrize(
    ("kind", "status", "words", "is_worth_another_try"),
    [
        ("outage", 503, "A part of Hearback does not answer.", True),
        ("busy", 503, "Too many people sign in at the moment; try again.", True),
        ("limit", 429, "Try again in 7 s.", True),
        ("gone", 404, "The address is wrong", False),
    ],
)
async def test_errors_are_reported_in_words_and_offer_what_may_help(
    browser: httpx.AsyncClient, kind: str, status: int, words: str, is_worth_another_try: bool
) -> None:
    """Addresses of services are for logs."""
    address = f"/organizations/acme/user-feedback/?kind={kind}"
    page = await browser.get(address)
    assert page.status_code == status
    assert words in page.text
    assert "127.0.0.1" not in page.text
    assert (f'href="{address}"' in page.text) is is_worth_another_try


@pytest.mark.parametrize(
    ("headers", "back"),
    [
        ({"Referer": f"http://hearback.example{ALERTS}?page=2"}, f'href="{ALERTS}?page=2"'),
        ({}, ""),
        ({"Referer": "http://hearback.example//evil.example/"}, ""),
    ],
)
async def test_a_form_from_before_one_signed_in_says_so_and_leads_back(
    visitor: httpx.AsyncClient, headers: dict[str, str], back: str
) -> None:
    token = token_of(await visitor.get("/auth/login/"))
    visitor.cookies.set(SESSION_COOKIE, "owner-session")  # in another tab
    answer = await visitor.post("/auth/login/", data={"csrf_token": token}, headers=headers)
    assert answer.status_code == 403
    assert '<h1 class="state-title">This page is out of date</h1>' in answer.text
    assert ("Open the page again" in answer.text) is bool(back)
    assert back in answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize("address", [f"{INBOX}?query=a%00b", f"{INBOX}?%00", "/organizations/a%00b/feedback/"])
async def test_a_nul_in_an_address_is_answered_with_a_page(browser: httpx.AsyncClient, address: str) -> None:
    answer = await browser.get(address)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "Null characters are not allowed." in answer.text
    assert (await browser.get("/api/0/nothing/?q=%00")).json()["code"] == "null_character"


async def test_errors_of_the_api_stay_json(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/0/thing/")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_htmx_gets_the_part_of_an_error(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/organizations/none/feedback/", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert "<html" not in answer.text
    assert "state-text" in answer.text


async def test_theme_and_zone_come_from_cookies(browser: httpx.AsyncClient) -> None:
    browser.cookies.set("hearback_theme", "dark")
    browser.cookies.set("hearback_zone", "../../etc/passwd")
    assert 'data-theme="dark"' in (await browser.get(INBOX)).text
    browser.cookies.set("hearback_theme", '"><script>')
    assert "data-theme=" not in (await browser.get(INBOX)).text


async def test_static_files_are_kept_for_ever_below_their_digest(browser: httpx.AsyncClient) -> None:
    page = (await browser.get(INBOX)).text
    url = re.search(r'href="(/static/demo/[0-9a-f]{12}/app\.css)"', page)
    assert url
    answer = await browser.get(url[1])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    plain = await browser.get(url[1], headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    former = await browser.get("/static/demo/000000000000/app.css")
    assert (former.status_code, former.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("name", ["none.css", "../templates/layout.html", "..%2fpages.py", "%2fetc/passwd", ""])
async def test_static_files_are_those_of_the_folder_alone(browser: httpx.AsyncClient, name: str) -> None:
    assert (await browser.get(f"/static/demo/000000000000/{name}")).status_code == 404


async def test_the_shared_files_are_small(browser: httpx.AsyncClient) -> None:
    page = (await browser.get(INBOX)).text
    size = 0
    for url in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        answer = await browser.get(url)
        size += int(answer.headers["content-length"])
    assert size < 40_000
