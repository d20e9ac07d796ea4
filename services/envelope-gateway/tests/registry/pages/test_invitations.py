"""The page behind an invitation's link."""

import pytest
import pytest_asyncio

from .conftest import Browser

MEMBERS = "/organizations/demo/members/"


@pytest_asyncio.fixture
async def link(registry):
    invited = await registry.post(MEMBERS, {"email": "ann@example.org", "role": "admin"}, status=201)
    return invited["invite_link"]


async def test_it_says_who_is_invited_to_what(registry, link):
    page = await registry.http.get(link)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for words in (
        "Join demo",
        "ann@example.org is invited as admin",
        "The invitation expires <time",
        'type="password"',
        "any other may make a second account",
    ):
        assert words in page.text


async def test_a_password_makes_a_member_who_is_signed_in(link, new_browser):
    browser = new_browser()
    page = await browser.submit(link, {"name": "Ann", "password": "a good password"})
    assert page.headers["location"] == "/organizations/demo/feedback/"
    (cookie,) = [text.lower() for text in page.headers.get_list("set-cookie") if "hearback_session" in text]
    for attribute in ("httponly", "samesite=lax", "secure", "path=/"):
        assert attribute in cookie
    account = (await browser.get("/api/0/auth/")).json()
    assert (account["email"], account["name"]) == ("ann@example.org", "Ann")
    assert "not valid" in (await browser.get(link, status=404)).text
    await browser.submit(link, {"password": "a good password"}, page="/settings/account/", status=404)


async def test_whoever_is_signed_in_may_accept_with_that_account(registry, link, other, new_browser):
    browser = new_browser()
    await browser.sign_in(other["admin_email"], other["admin_password"])
    assert f"Accept as {other['admin_email']}" in (await browser.get(link)).text
    answer = await browser.submit(link, {"as": "session"})
    assert answer.headers["location"] == "/organizations/demo/feedback/"
    assert await browser.flash("/settings/demo/") == "Welcome to demo."
    assert {member["email"] for member in await registry.get(MEMBERS)} == {
        registry.demo["admin_email"],
        other["admin_email"],
    }


async def test_a_member_reads_that_it_is_one(link, owner):
    page = await owner.submit(link, {"as": "session"}, status=409)
    assert 'id="problem"' in page.text
    assert "This account is a member already." in page.text


async def test_without_a_session_there_is_no_accepting_by_one(link, new_browser):
    await new_browser().submit(link, {"as": "session"}, status=401)


@pytest.mark.parametrize("form", [{}, {"password": "short"}, {"password": "x" * 1001}, {"name": "Ann"}])
async def test_a_password_that_will_not_do_is_asked_for_again(registry, link, new_browser, form):
    page = await new_browser().submit(link, form, status=400)
    assert 'aria-invalid="true"' in page.text
    assert form.get("name", "") in page.text
    assert "hearback_session" not in page.headers.get("set-cookie", "")
    assert (await registry.get(MEMBERS))[1]["pending"] is True


@pytest.mark.parametrize("path", ["/accept/demo/2/x/", "/accept/demo/x/x/", "/accept/none/1/x/"])
async def test_a_made_up_link_is_404(new_browser, path):
    browser = new_browser()
    form = {"password": "a good password"}
    for page in (
        await browser.get(path, status=404),
        await browser.submit(path, form, page="/auth/login/", status=404),
    ):
        assert "This invitation is not valid" in page.text


async def test_too_many_attempts_are_reported_on_the_page(open_registry):
    async with open_registry(login_attempts_per_address=1) as registry:
        for status in (303, 429):
            invited = await registry.post(MEMBERS, {"email": f"{status}@example.org"}, status=201)
            browser = Browser(registry.http)
            page = await browser.submit(invited["invite_link"], {"password": "a good password"}, status=status)
            registry.http.cookies.clear()
        assert "Too many attempts" in page.text
        assert int(page.headers["Retry-After"]) > 0


async def test_other_sites_cannot_submit_it(registry, link):
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    page = await registry.http.post(link, data={"password": "a good password"}, headers=foreign)
    assert page.status_code == 403


async def test_what_people_wrote_is_text(registry):
    await registry.put("/organizations/demo/", {"name": '<script>alert("x")</script>'})
    invited = await registry.post(MEMBERS, {"email": '"><img>@example.org'}, status=201)
    page = await Browser(registry.http).submit(
        invited["invite_link"], {"name": '"><b>', "password": "x"}, status=400
    )
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert "<b>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_its_address_goes_nowhere(registry, link):
    page = await registry.http.get(link)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


async def test_a_null_character_is_400(link, new_browser):
    await new_browser().submit(link, {"name": "a\x00b", "password": "a good password"}, status=400)
