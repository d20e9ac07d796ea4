"""What holds for every page: who may see it, and that it is a whole page. One registry serves a whole table."""

import re

ORGANIZATION = [
    "/settings/demo/",
    "/settings/demo/projects/",
    "/settings/demo/members/",
    "/settings/demo/tokens/",
    "/settings/demo/audit-log/",
    "/organizations/demo/projects/new/",
]
PROJECT = [
    "/settings/demo/projects/web/",
    "/settings/demo/projects/web/keys/",
    "/settings/demo/projects/web/user-feedback/",
    "/settings/demo/projects/web/quotas/",
    "/organizations/demo/projects/web/getting-started/",
    "/organizations/demo/projects/web/try/",
]
EVERY = [*ORGANIZATION, *PROJECT, "/settings/account/"]
FORBIDDEN_TO_MEMBERS = {"/settings/demo/audit-log/", "/organizations/demo/projects/new/"}
# Every form, and a page that has one for whoever may not see the form's own.
FORMS = [
    "/settings/account/", "/settings/account/password/", "/settings/account/alerts/", "/settings/demo/",
    "/settings/demo/members/", "/settings/demo/members/1/", "/settings/demo/members/1/remove/",
    "/settings/demo/tokens/", "/settings/demo/tokens/1/revoke/", "/organizations/demo/projects/new/",
    "/settings/demo/projects/web/", "/settings/demo/projects/web/keys/", "/settings/demo/projects/web/keys/1/",
    "/settings/demo/projects/web/keys/1/rotate/", "/settings/demo/projects/web/keys/1/delete/",
    "/settings/demo/projects/web/user-feedback/", "/settings/demo/projects/web/quotas/",
    "/settings/demo/projects/web/quotas/remove/",
]  # fmt: skip


async def test_a_page_has_one_heading_a_policy_and_nothing_inline(owner):
    for path in EVERY:
        answer = await owner.get(path)
        page = answer.text
        assert len(re.findall(r"<h1[ >]", page)) == 1, path
        assert re.search(r"<title>[^<]+ · Hearback</title>", page), path
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
        assert not re.search(r"<[^>]*\s(on[a-z]+|style)=", page), path
        assert "javascript:" not in page, path
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


async def test_without_a_session_it_leads_to_sign_in_and_back(registry, new_browser):
    browser = new_browser()
    for path in EVERY:
        answer = await browser.get(path, status=303)
        assert answer.headers["location"] == f"/auth/login/?next={path}"
        token = await browser.get(path, status=303, headers=registry.headers())
        assert token.headers["location"].startswith("/auth/login/"), "a token is for the API"


async def test_it_is_not_there_for_another_tenant(other, new_browser):
    stranger = new_browser()
    await stranger.sign_in(other["admin_email"], other["admin_password"])
    for path in [*ORGANIZATION, *PROJECT]:
        answer = await stranger.get(path, status=404)
        assert "There is nothing here" in answer.text
    for path in FORMS[3:]:
        await stranger.submit(path, page="/settings/account/", status=404)


async def test_those_who_may_not_change_settings_see_them(member):
    for role in ("viewer", "member"):
        browser = await member(role)
        for path in EVERY:
            if path in FORBIDDEN_TO_MEMBERS:
                assert "Your role does not allow it" in (await browser.get(path, status=403)).text
                continue
            page = (await browser.get(path)).text
            assert "/audit-log/" not in page, path
            if path.startswith("/settings/demo/") and "tokens" not in path and path != "/settings/demo/projects/":
                assert "not change them" in page, path
                assert "<span>Save</span>" not in page, path


async def test_a_viewer_changes_nothing(registry, member):
    browser = await member("viewer")
    before = await registry.get("/organizations/demo/audit-logs/")
    for path in FORMS[3:]:
        await browser.submit(path, page="/settings/account/", status=403)
    assert await registry.get("/organizations/demo/audit-logs/") == before


async def test_a_form_of_another_page_is_refused(owner):
    for path in FORMS:
        for fields in ({}, {"csrf_token": "x" * 43}):
            answer = await owner.http.post(path, data=fields)
            assert answer.status_code == 403, path
            assert "out of date" in answer.text
        foreign = await owner.http.post(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
