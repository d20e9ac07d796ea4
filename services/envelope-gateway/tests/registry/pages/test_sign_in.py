"""Signing in with a password, and out."""

import pytest

from .conftest import Browser


async def test_it_leads_to_the_page_that_was_wanted(registry, new_browser):
    browser = new_browser()
    wanted = (await browser.get("/settings/demo/members/", status=303)).headers["location"]
    page = await browser.get(wanted)
    assert 'name="next" value="/settings/demo/members/"' in page.text
    fields = {
        "email": registry.demo["admin_email"],
        "password": registry.demo["admin_password"],
        "next": "/settings/demo/members/",
    }
    answer = await browser.submit("/auth/login/", fields)
    assert answer.headers["location"] == "/settings/demo/members/"
    await browser.get("/settings/demo/members/")
    assert (await browser.get(wanted, status=303)).headers["location"] == "/settings/demo/members/"


async def test_the_start_page_leads_to_the_inbox(owner, new_browser):
    assert (await owner.get("/", status=303)).headers["location"] == "/organizations/demo/feedback/"
    assert (await owner.get("/organizations/demo/", status=303)).headers["location"].endswith("/demo/feedback/")
    assert (await owner.get("/settings/", status=303)).headers["location"] == "/settings/demo/"
    assert (await new_browser().get("/", status=303)).headers["location"] == "/auth/login/"


async def test_without_an_organization_it_says_what_to_do(registry, new_browser):
    ann = await registry.join("ann@example.org")
    browser = new_browser()
    await browser.sign_in(ann["email"], ann["password"])
    await registry.delete(f"/organizations/demo/members/{ann['id']}/")
    assert "no organization yet" in (await browser.get("/")).text
    assert (await browser.get("/settings/", status=303)).headers["location"] == "/settings/account/"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/\t/evil.example", "evil", "/" + "a" * 3_000,
    ],
)  # fmt: skip
async def test_it_leads_to_no_other_site(registry, new_browser, wanted):
    fields = {"email": registry.demo["admin_email"], "password": registry.demo["admin_password"], "next": wanted}
    browser = new_browser()
    assert (await browser.submit("/auth/login/", fields)).headers["location"] == "/"
    assert (await browser.get("/auth/login/", params={"next": wanted}, status=303)).headers["location"] == "/"


async def test_a_wrong_password_says_so_and_keeps_the_address(registry, new_browser):
    fields = {"email": registry.demo["admin_email"], "password": "wrong", "next": "/settings/"}
    page = await new_browser().submit("/auth/login/", fields, status=401)
    assert "is not right" in page.text
    assert f'value="{registry.demo["admin_email"]}"' in page.text
    assert 'value="/settings/"' in page.text
    assert "wrong" not in page.text.replace("went wrong", "")
    assert "hearback_session" not in page.headers.get("set-cookie", "")


async def test_a_limit_says_how_long_to_wait(open_registry):
    fields = {"email": "ann@example.org", "password": "x"}
    async with open_registry(login_attempts_per_minute=1) as registry:
        for status in (401, 429):
            page = await Browser(registry.http).submit("/auth/login/", fields, status=status)
        seconds = int(page.headers["retry-after"])
        assert seconds > 0
        assert f"Too many attempts. Try again in {seconds} s." in page.text


async def test_a_sign_in_begins_a_session_of_its_own(registry, new_browser):
    """Whoever planted a session in a browser does not share the next one, and it ends."""
    attacker, victim = new_browser(), new_browser()
    ann = await registry.join("ann@example.org")
    await attacker.sign_in(ann["email"], ann["password"])
    planted = attacker.http.cookies["hearback_session"]
    victim.http.cookies.set("hearback_session", planted, domain="feedback.example.org", path="/")
    token = (await victim.get("/settings/account/")).text
    assert planted not in token
    fields = {"email": registry.demo["admin_email"], "password": registry.demo["admin_password"]}
    await victim.submit("/auth/login/", fields, page="/settings/account/")
    assert victim.http.cookies["hearback_session"] != planted
    await attacker.get("/settings/account/", status=303)


async def test_a_made_up_session_becomes_no_session(registry, new_browser):
    browser = new_browser()
    browser.http.cookies.set("hearback_session", "made-up", domain="feedback.example.org", path="/")
    await browser.sign_in(registry.demo["admin_email"], registry.demo["admin_password"])
    assert browser.http.cookies["hearback_session"] != "made-up"


async def test_signing_out_ends_the_session_here_and_there(owner):
    session = owner.http.cookies["hearback_session"]
    answer = await owner.submit("/auth/logout/", page="/settings/account/")
    assert answer.headers["location"] == "/auth/login/"
    assert "hearback_session" not in owner.http.cookies
    again = await owner.http.get("/settings/account/", headers={"Cookie": f"hearback_session={session}"})
    assert again.status_code == 303


async def test_signing_out_needs_a_form_of_ours(owner):
    assert (await owner.http.post("/auth/logout/")).status_code == 403
    assert (await owner.http.get("/auth/logout/")).headers["location"] == "/"
    await owner.get("/settings/account/")
