"""Invitations: whoever has the link becomes a member; an address alone gives and blocks nothing."""

import asyncio
import re

import orjson
import pytest
import pytest_asyncio
from hearback_kit.auth import hash_secret
from pydantic import SecretStr
from registry.store.users import list_users_by_email
from sqlalchemy import text

MEMBERS = "/organizations/demo/members/"
THEIRS = "/organizations/other/members/"
ADDRESS = "victim@example.org"


def api_path(link: str) -> str:
    return f"/api/0/accept-invite/{link.partition('/accept/')[2]}"


async def invite(registry, address=ADDRESS, role="member", *, members=MEMBERS, **more):
    return await registry.post(members, {"email": address, "role": role}, status=201, **more)


async def slugs(registry, session):
    found = await registry.http.get("/api/0/organizations/", headers=session)
    return [row["slug"] for row in found.json()]


async def test_an_invited_person_is_pending_until_the_link_is_accepted(registry):
    invited = await invite(registry, "Ann@Example.org", "admin")
    assert (invited["email"], invited["role"], invited["pending"]) == ("ann@example.org", "admin", True)
    assert (invited["user"], invited["expired"], invited["inviterName"]) == (None, False, "Owner")
    assert "password" not in invited
    _, listed = await registry.get(MEMBERS)
    assert listed == {name: value for name, value in invited.items() if name != "invite_link"}
    assert await registry.get(f"{MEMBERS}{invited['id']}/") == listed

    joined = await registry.accept(invited["invite_link"], "a good password")
    assert (joined["id"], joined["pending"], joined["role"]) == (invited["id"], False, "admin")
    session = await registry.sign_in("ann@example.org", "a good password")
    assert await slugs(registry, session) == ["demo"]


async def test_a_link_shows_what_it_offers(registry):
    link = (await invite(registry))["invite_link"]
    assert link.startswith("https://feedback.example.org/accept/demo/")
    shown = await registry.http.get(api_path(link))
    assert shown.status_code == 200
    found = shown.json()
    assert (found["orgSlug"], found["email"], found["role"]) == ("demo", ADDRESS, "member")
    assert (found["needsAuthentication"], found["existingMember"]) == (True, False)
    owner = await registry.sign_in()
    found = (await registry.http.get(api_path(link), headers=owner)).json()
    assert (found["needsAuthentication"], found["existingMember"]) == (False, True)


async def test_a_link_works_once(registry):
    link = (await invite(registry))["invite_link"]
    await registry.accept(link, "a good password")
    assert (await registry.accept(link, "another password", status=404))["code"] == "invitation_not_valid"
    assert (await registry.http.get(api_path(link))).status_code == 404
    assert len(await registry.get(MEMBERS)) == 2


async def test_a_link_is_void_when_it_is_replaced_withdrawn_or_old(registry):
    invited = await invite(registry)
    renewed = await registry.put(f"{MEMBERS}{invited['id']}/", {"reinvite": True})
    await registry.accept(invited["invite_link"], "a good password", status=404)
    registry.clock.move(days=registry.settings.invitation_days)
    assert (await registry.get(f"{MEMBERS}{invited['id']}/"))["expired"] is True
    await registry.accept(renewed["invite_link"], "a good password", status=404)
    renewed = await registry.put(f"{MEMBERS}{invited['id']}/", {"reinvite": True})
    await registry.delete(f"{MEMBERS}{invited['id']}/")
    await registry.accept(renewed["invite_link"], "a good password", status=404)


async def test_a_link_is_kept_as_a_hash(registry, database):
    token = (await invite(registry))["invite_link"].rstrip("/").rpartition("/")[2]
    async with database.connection() as connection:
        rows = (await connection.execute(text("SELECT m::text FROM members m"))).scalars().all()
    assert any(hash_secret(token) in row for row in rows)
    assert not any(token in row for row in rows)


@pytest.mark.parametrize("change", [{"member": "99"}, {"member": "x"}, {"organization": "other"}, {"token": "x"}])
async def test_a_made_up_link_is_404(registry, other, change):
    link = (await invite(registry))["invite_link"]
    organization, member, token = link.rstrip("/").split("/")[-3:]
    parts = {"organization": organization, "member": member, "token": token} | change
    path = "/api/0/accept-invite/{organization}/{member}/{token}/".format_map(parts)
    for answer in (
        await registry.http.get(path),
        await registry.http.post(path, json={"password": "long enough"}),
    ):
        assert answer.status_code == 404


async def test_an_address_is_invited_once(registry):
    invited = await invite(registry)
    assert (await registry.post(MEMBERS, {"email": ADDRESS.upper()}, status=409))["code"] == "already_member"
    await registry.accept(invited["invite_link"], "a good password")
    assert (await registry.post(MEMBERS, {"email": ADDRESS}, status=409))["code"] == "already_member"
    refused = await registry.put(f"{MEMBERS}{invited['id']}/", {"reinvite": True}, status=400)
    assert refused["code"] == "not_invited"
    refused = await registry.put(f"{MEMBERS}{invited['id']}/", {"reinvite": True, "role": "viewer"}, status=400)
    assert (await registry.get(f"{MEMBERS}{invited['id']}/"))["role"] == "member", refused


async def test_an_invitation_is_renewed_with_another_role(registry):
    invited = await invite(registry)
    renewed = await registry.put(f"{MEMBERS}{invited['id']}/", {"reinvite": True, "role": "viewer"})
    assert renewed["role"] == "viewer"
    assert (await registry.accept(renewed["invite_link"], "a good password"))["role"] == "viewer"


async def test_invitations_and_acceptances_at_once_count_once(registry):
    async def status(path, body):
        answer = await registry.http.post(path, json=body, headers=registry.headers())
        return answer.status_code

    statuses = await asyncio.gather(*(status(f"/api/0{MEMBERS}", {"email": ADDRESS}) for _ in range(6)))
    assert sorted(statuses) == [201, *[409] * 5]
    _, invited = await registry.get(MEMBERS)
    link = (await registry.put(f"{MEMBERS}{invited['id']}/", {"reinvite": True}))["invite_link"]
    statuses = await asyncio.gather(*(status(api_path(link), {"password": "a good password"}) for _ in range(4)))
    assert sorted(statuses) == [200, *[404] * 3]


async def test_one_account_that_accepts_two_invitations_at_once_is_a_member_once(registry, other):
    session = await registry.sign_in(other["admin_email"], other["admin_password"])
    links = [(await invite(registry, f"{name}@example.org"))["invite_link"] for name in ("ann", "bob")]
    answers = await asyncio.gather(
        *(registry.http.post(api_path(link), json={}, headers=session) for link in links)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_password_is_required(registry):
    link = (await invite(registry))["invite_link"]
    for body in ({}, {"password": "short"}, {"password": None}, {"password": 5}):
        assert (await registry.http.post(api_path(link), json=body)).status_code == 400
    token = registry.headers()
    answer = await registry.http.post(api_path(link), json={}, headers=token)
    assert (answer.status_code, answer.json()["code"]) == (400, "password_required")
    assert (await registry.get(MEMBERS))[1]["pending"] is True


async def test_other_sites_cannot_accept_with_a_session(registry, other):
    link = (await invite(registry))["invite_link"]
    session = await registry.sign_in(other["admin_email"], other["admin_password"])
    foreign = session | {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await registry.http.post(api_path(link), json={}, headers=foreign)).status_code == 403


async def test_a_member_cannot_accept_twice(registry):
    link = (await invite(registry))["invite_link"]
    session = await registry.sign_in()
    answer = await registry.http.post(api_path(link), json={}, headers=session)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_member")


async def test_an_account_that_claims_an_address_gets_nothing_of_other_tenants(registry, other):
    """The attack: claim an address in one's own tenant, wait until another tenant adds it as an owner."""
    await registry.accept((await invite(registry))["invite_link"], "the attacker's password")
    attacker = await registry.sign_in(ADDRESS, "the attacker's password")

    invited = await invite(registry, role="owner", members=THEIRS, token=other["token"])
    assert invited["user"] is None
    assert await slugs(registry, attacker) == ["demo"]
    assert (await registry.http.get("/api/0/organizations/other/", headers=attacker)).status_code == 404

    joined = await registry.accept(invited["invite_link"], "the victim's password")
    assert joined["role"] == "owner"
    victim = await registry.sign_in(ADDRESS, "the victim's password")
    assert await slugs(registry, victim) == ["other"]
    attacker = await registry.sign_in(ADDRESS, "the attacker's password")
    assert await slugs(registry, attacker) == ["demo"]


async def test_made_up_accounts_with_an_address_keep_its_owner_out_of_nothing(
    registry, other, database, monkeypatch
):
    """Each such account costs a hash at every sign-in; so a few count, members of organizations first."""
    monkeypatch.setattr("registry.store.users.CANDIDATES_MAX", 3)
    invited = await invite(registry, members=THEIRS, token=other["token"])
    await registry.accept(invited["invite_link"], "the victim's password")
    for number in range(4):
        made_up = await registry.accept((await invite(registry))["invite_link"], f"made-up password {number}")
        await registry.delete(f"{MEMBERS}{made_up['id']}/")
    async with database.connection() as connection:
        candidates = await list_users_by_email(connection, ADDRESS)
    assert len(candidates) == 3
    assert await slugs(registry, await registry.sign_in(ADDRESS, "the victim's password")) == ["other"]


async def test_accounts_with_one_address_are_one_member(registry):
    """Else an organization could keep any number of accounts that look like those of another person."""
    first = await registry.accept((await invite(registry))["invite_link"], "a first password")
    session = await registry.sign_in(ADDRESS, "a first password")
    await registry.delete(f"{MEMBERS}{first['id']}/")
    await registry.accept((await invite(registry))["invite_link"], "a second password")
    link = (await invite(registry, "else@example.org"))["invite_link"]
    answer = await registry.http.post(api_path(link), json={}, headers=session)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_member")


async def test_whoever_proves_the_password_joins_with_the_same_account(registry, other):
    await registry.join(ADDRESS)
    invited = await invite(registry, members=THEIRS, token=other["token"])
    await registry.accept(invited["invite_link"], f"password of {ADDRESS}")
    session = await registry.sign_in(ADDRESS, f"password of {ADDRESS}")
    assert await slugs(registry, session) == ["demo", "other"]


async def test_bootstrap_takes_no_account_that_claims_its_owners_address(registry):
    address = "owner@fresh.example.com"
    await registry.join(address)
    attacker = await registry.sign_in(address, f"password of {address}")
    made = await registry.bootstrap("fresh", "app")
    assert made["admin_email"] == address
    assert await slugs(registry, attacker) == ["demo"]
    session = await registry.sign_in(address, made["admin_password"])
    assert await slugs(registry, session) == ["fresh"]


async def test_the_operator_adds_an_account_that_is_new_whoever_claims_the_address(registry, other):
    await registry.join(ADDRESS)

    async def add(**more):
        body = {"organization": "other", "email": ADDRESS, "role": "admin"} | more
        return await registry.service.request("POST", "/internal/members", body=orjson.dumps(body))

    answer = await add()
    assert answer.status_code == 201
    session = await registry.sign_in(ADDRESS, answer.json()["password"])
    assert await slugs(registry, session) == ["other"]
    assert (await add()).status_code == 409
    chosen = await add(email="ann@example.org", password="one of my own")
    assert chosen.json()["password"] == "one of my own"
    await registry.sign_in("ann@example.org", "one of my own")
    assert (await add(organization="none")).status_code == 404
    assert (await add(email="bob@example.org", password="short")).status_code == 400


MAIL_SERVER = SecretStr("smtp://127.0.0.1:1")


@pytest_asyncio.fixture
async def mailing(open_registry):
    """A registry with a mail server: links go to the addressee alone."""
    async with open_registry(smtp_url=MAIL_SERVER) as client:
        yield client


async def mailed_link(database):
    """The link of the last mail that waits."""
    async with database.connection() as connection:
        body = await connection.scalar(text("SELECT body FROM mails ORDER BY id DESC LIMIT 1"))
    return re.search(r"https://\S+", body).group()


async def test_a_mailed_link_is_not_in_the_answer(mailing, database):
    invited = await invite(mailing)
    assert invited["invite_link"] is None
    assert (await mailing.put(f"{MEMBERS}{invited['id']}/", {"reinvite": True}))["invite_link"] is None
    await mailing.accept(await mailed_link(database), "a good password")
    session = await mailing.sign_in(ADDRESS, "a good password")
    account = (await mailing.http.get("/api/0/auth/", headers=session)).json()
    assert account["isEmailVerified"] is True


async def test_an_organization_mails_only_so_many_people_an_hour(open_registry):
    async with open_registry(smtp_url=MAIL_SERVER, invitations_per_hour=2) as registry:
        invited = await invite(registry)
        await registry.put(f"{MEMBERS}{invited['id']}/", {"reinvite": True})
        await registry.put(f"{MEMBERS}{invited['id']}/", {"reinvite": True}, status=429)
        await registry.post(MEMBERS, {"email": "ann@example.org"}, status=429)
        registry.clock.move(hours=1)
        await registry.post(MEMBERS, {"email": "ann@example.org"}, status=201)


async def test_a_proven_account_keeps_its_password_and_its_address(mailing, database):
    await invite(mailing)
    await mailing.accept(await mailed_link(database), "a good password")
    theirs = await mailing.bootstrap("other", "app")
    await invite(mailing, members=THEIRS, token=theirs["token"])
    link = await mailed_link(database)
    assert (await mailing.accept(link, "another password", status=401))["code"] == "wrong_credentials"
    await mailing.accept(link, "a good password")
    session = await mailing.sign_in(ADDRESS, "a good password")
    assert await slugs(mailing, session) == ["demo", "other"]


async def test_an_account_that_was_never_proven_does_not_block_who_proves_the_address(
    mailing, database, open_registry
):
    async with open_registry() as handing:
        await handing.join(ADDRESS)
    theirs = await mailing.bootstrap("other", "app")
    await invite(mailing, members=THEIRS, token=theirs["token"])
    await mailing.accept(await mailed_link(database), "the owner of the mailbox")
    session = await mailing.sign_in(ADDRESS, "the owner of the mailbox")
    assert await slugs(mailing, session) == ["other"]
    claimed = await mailing.sign_in(ADDRESS, f"password of {ADDRESS}")
    assert await slugs(mailing, claimed) == ["demo"]
    for headers, is_verified in ((session, True), (claimed, False)):
        account = (await mailing.http.get("/api/0/auth/", headers=headers)).json()
        assert account["isEmailVerified"] is is_verified


async def test_a_handed_link_tells_nothing_of_other_accounts(mailing, database, open_registry):
    """Nor does it prove an address: with or without a proven account the answers are the same."""
    await invite(mailing)
    await mailing.accept(await mailed_link(database), "a good password")
    async with open_registry() as handing:
        theirs = await handing.bootstrap("other", "app")
        answers = []
        for address in (ADDRESS, "unknown@example.org"):
            invited = await invite(handing, address, members=THEIRS, token=theirs["token"])
            shown = (await handing.http.get(api_path(invited["invite_link"]))).json()
            joined = await handing.accept(invited["invite_link"], "a guess of the inviter")
            kept = {**shown, **joined}
            answers.append({name: kept[name] for name in kept.keys() - {"id", "email", "user", "dateCreated"}})
        assert answers[0] == answers[1]
