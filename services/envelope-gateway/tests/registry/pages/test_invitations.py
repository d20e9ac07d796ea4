"""The page behind an invitation's link."""

import re

import pytest
import pytest_asyncio

MEMBERS = "/organizations/demo/members/"


@pytest_asyncio.fixture
async def link(registry):
    invited = await registry.post(MEMBERS, {"email": "ann@example.org", "role": "admin"}, status=201)
    return invited["invite_link"]


async def test_it_says_who_is_invited_to_what(registry, link):
    page = await registry.http.get(link)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for words in ("Join demo", "ann@example.org is invited as admin", 'type="password"'):
        assert words in page.text


async def test_a_password_makes_a_member_who_is_signed_in(registry, link):
    page = await registry.http.post(link, data={"name": "Ann", "password": "a good password"})
    assert page.status_code == 200
    assert "Welcome to demo" in page.text
    cookie = page.headers["set-cookie"].lower()
    for attribute in ("httponly", "samesite=lax", "secure", "path=/"):
        assert attribute in cookie
    account = (await registry.http.get("/api/0/auth/")).json()
    assert (account["email"], account["name"]) == ("ann@example.org", "Ann")
    again = await registry.http.get(link)
    assert again.status_code == 404
    assert "not valid" in again.text
    assert (await registry.http.post(link, data={"password": "a good password"})).status_code == 404


@pytest.mark.parametrize("form", [{}, {"password": "short"}, {"password": "x" * 1001}, {"name": "Ann"}])
async def test_a_password_that_will_not_do_is_asked_for_again(registry, link, form):
    page = await registry.http.post(link, data=form)
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert form.get("name", "") in page.text
    assert "set-cookie" not in page.headers
    assert (await registry.get(MEMBERS))[1]["pending"] is True


@pytest.mark.parametrize("path", ["/accept/demo/2/x/", "/accept/demo/x/x/", "/accept/none/1/x/"])
async def test_a_made_up_link_is_404(registry, path):
    assert (await registry.http.get(path)).status_code == 404
    assert (await registry.http.post(path, data={"password": "a good password"})).status_code == 404


async def test_too_many_attempts_are_told_on_the_page(settings, open_registry):
    async with open_registry(settings.model_copy(update={"login_attempts_per_address": 1})) as registry:
        registry.demo = await registry.bootstrap("demo", "web")
        for status in (200, 429):
            invited = await registry.post(MEMBERS, {"email": f"{status}@example.org"}, status=201)
            page = await registry.http.post(invited["invite_link"], data={"password": "a good password"})
            registry.http.cookies.clear()
            assert page.status_code == status
        assert "Too many attempts" in page.text
        assert int(page.headers["Retry-After"]) > 0


async def test_other_sites_cannot_submit_it(registry, link):
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    page = await registry.http.post(link, data={"password": "a good password"}, headers=foreign)
    assert page.status_code == 403


async def test_what_people_wrote_is_text(registry):
    await registry.put("/organizations/demo/", {"name": '<script>alert("x")</script>'})
    invited = await registry.post(MEMBERS, {"email": '"><img>@example.org'}, status=201)
    page = await registry.http.post(invited["invite_link"], data={"name": '"><b>', "password": "x"})
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert "<b>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_it_runs_and_loads_nothing_and_gives_its_address_away_to_nobody(registry, link):
    first, second = await registry.http.get(link), await registry.http.get(link)
    policy = first.headers["content-security-policy"]
    for directive in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert directive in policy
    (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
    assert f'<style nonce="{nonce}">' in first.text
    assert nonce not in second.text
    assert first.headers["referrer-policy"] == "no-referrer"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["cache-control"] == "no-store"
    assert "http" not in re.sub(r"<time[^>]*>", "", first.text)


async def test_a_null_character_is_400(registry, link):
    page = await registry.http.post(link, data={"name": "a\x00b", "password": "a good password"})
    assert page.status_code == 400
