"""Members, tokens and one's own account."""

import re

import pytest
from pydantic import SecretStr

from .conftest import Browser

MEMBERS = "/settings/demo/members/"
TOKENS = "/settings/demo/tokens/"
ACCOUNT = "/settings/account/"


def copied(page):
    return re.findall(r'data-copy="([^"]+)"', page.text)


async def test_an_invitation_is_handed_over_once_without_mail(registry, owner, new_browser):
    page = await owner.submit(MEMBERS, {"email": "ann@example.org", "role": "viewer"}, status=200)
    (link,) = copied(page)
    assert copied(await owner.get(MEMBERS)) == []
    ann = new_browser()
    await ann.submit(link, {"name": "Ann", "password": "a good password"})
    assert "not change them" in (await ann.get("/settings/demo/")).text
    for fields, status, words in (
        ({"email": "ann@example.org", "role": "member"}, 409, "member already"),
        ({"email": "nonsense", "role": "member"}, 400, "Give an e-mail address"),
        ({"email": "bob@example.org", "role": "emperor"}, 400, "Give an e-mail address"),
    ):
        assert words in (await owner.submit(MEMBERS, fields, status=status)).text


async def test_an_invitation_is_mailed_when_mail_is_set_up(open_registry):
    async with open_registry(smtp_url=SecretStr("smtp://127.0.0.1:9")) as registry:
        owner = Browser(registry.http)
        await owner.sign_in(registry.demo["admin_email"], registry.demo["admin_password"])
        await owner.submit(MEMBERS, {"email": "ann@example.org", "role": "member"})
        assert await owner.flash(MEMBERS) == "The invitation of ann@example.org is on its way."


async def test_roles_and_removal(registry, owner, member):
    ann = await member("member", "ann@example.org")
    first, row = await registry.get("/organizations/demo/members/")
    await owner.submit(f"{MEMBERS}{row['id']}/", {"role": "manager"}, page=MEMBERS)
    assert "ann@example.org is manager now." in await owner.flash(MEMBERS)
    page = (await ann.get(MEMBERS)).text
    assert 'value="owner"' not in page, "a manager makes no owners"
    owners = await ann.submit(MEMBERS, {"email": "eve@example.org", "role": "owner"}, status=403)
    assert "Only owners decide about owners" in owners.text
    await ann.submit(f"{MEMBERS}{first['id']}/remove/", page=MEMBERS, status=403)
    last = await owner.submit(f"{MEMBERS}{first['id']}/remove/", page=MEMBERS, status=400)
    assert "needs an owner" in last.text
    await owner.submit(f"{MEMBERS}{row['id']}/remove/", page=MEMBERS)
    await ann.get(MEMBERS, status=404)


async def test_an_invitation_is_renewed_and_withdrawn(registry, owner, new_browser):
    (old,) = copied(await owner.submit(MEMBERS, {"email": "ann@example.org", "role": "member"}, status=200))
    (row,) = [row for row in await registry.get("/organizations/demo/members/") if row["pending"]]
    (new,) = copied(await owner.submit(f"{MEMBERS}{row['id']}/", {"reinvite": "1"}, page=MEMBERS, status=200))
    browser = new_browser()
    await browser.get(old, status=404)
    await browser.get(new)
    registry.clock.move(days=8)
    assert "Invitation expired" in (await owner.get(MEMBERS)).text
    await owner.submit(f"{MEMBERS}{row['id']}/remove/", page=MEMBERS)
    await browser.get(new, status=404)


async def test_a_token_is_shown_once(registry, owner, new_browser):
    (secret,) = copied(
        await owner.submit(TOKENS, {"name": "CI", "scopes": ["project:read"], "days": "30"}, status=200)
    )
    assert copied(await owner.get(TOKENS)) == []
    await registry.get("/projects/demo/web/", token=secret)
    await registry.get("/organizations/demo/members/", token=secret, status=403)
    (row,) = [row for row in await registry.get("/organizations/demo/api-tokens/") if row["name"] == "CI"]
    for fields, words in (
        ({"name": "x"}, "at least one scope"),
        ({"scopes": ["root"]}, "unknown scope"),
        ({"scopes": ["org:read"], "days": "0"}, "1 to 3650 days"),
    ):
        assert words in (await owner.submit(TOKENS, fields, status=400)).text
    await owner.submit(f"{TOKENS}{row['id']}/revoke/", page=TOKENS)
    await registry.get("/projects/demo/web/", token=secret, status=401)
    assert (await owner.get("/settings/account/api/auth-tokens/", status=303)).headers["location"] == TOKENS


async def test_a_member_sees_and_makes_only_tokens_of_the_own_scopes(member):
    ann = await member("member")
    page = (await ann.get(TOKENS)).text
    assert "bootstrap" not in page
    assert 'value="org:admin"' not in page
    assert "scopes that you do not have" in (await ann.submit(TOKENS, {"scopes": ["org:admin"]}, status=403)).text
    await ann.submit(TOKENS, {"scopes": ["event:read"]}, status=200)


async def test_ones_name_and_language(owner):
    await owner.submit(ACCOUNT, {"name": "Olga", "language": "de"})
    account = (await owner.get("/api/0/auth/")).json()
    assert (account["name"], account["options"]) == ("Olga", {"language": "de"})
    page = (await owner.get(ACCOUNT)).text
    assert '<option value="de" selected>' in page
    assert "Account of Olga" in page
    # A language that the page does not offer, such as one set by the API, stays.
    proof = {"origin": str(owner.http.base_url)}
    await owner.http.put("/api/0/users/me/", json={"options": {"language": "pt-BR"}}, headers=proof)
    assert "<option selected>pt-BR</option>" in (await owner.get(ACCOUNT)).text
    await owner.submit(ACCOUNT, {"name": "Olga", "language": "pt-BR"})
    assert (await owner.get("/api/0/auth/")).json()["options"] == {"language": "pt-BR"}


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(registry, owner, new_browser):
    email, old = registry.demo["admin_email"], registry.demo["admin_password"]
    elsewhere = new_browser()
    await elsewhere.sign_in(email, old)
    path = ACCOUNT + "password/"
    new = {"current_password": old, "password": "a new password"}
    wrong = await owner.submit(path, new | {"current_password": "x"}, page=ACCOUNT, status=400)
    assert "current password is not right" in wrong.text
    short = await owner.submit(path, new | {"password": "short"}, page=ACCOUNT, status=400)
    assert "at least 8 characters" in short.text
    await owner.submit(path, new, page=ACCOUNT)
    await owner.get(ACCOUNT)
    await elsewhere.get(ACCOUNT, status=303)
    await elsewhere.sign_in(email, "a new password")


@pytest.mark.parametrize("name", ["x", "1" * 30])
async def test_an_id_that_is_none_names_nothing(owner, name):
    for path, page in ((f"{MEMBERS}{name}/remove/", MEMBERS), (f"{TOKENS}{name}/revoke/", TOKENS)):
        await owner.submit(path, page=page, status=404)


async def test_the_projects_that_one_gets_mail_about(registry, owner, other):
    second = await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    path = ACCOUNT + "alerts/"
    await owner.submit(path, {"listed": ["1", second["id"]], "alerts": [second["id"]]}, page=ACCOUNT)
    answer = await owner.get("/api/0/users/me/notifications/alerts/")
    assert answer.json() == {"1": 0, second["id"]: 1}
    assert re.search(r'name="alerts" value="1" (?!checked)', (await owner.get(ACCOUNT)).text)
    foreign = {"listed": [str(other["project_id"])], "alerts": []}
    await owner.submit(path, foreign, page=ACCOUNT, status=404)
