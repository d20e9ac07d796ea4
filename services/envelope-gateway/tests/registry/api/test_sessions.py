import asyncio

import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from ..conftest import NEW_HASHER

LOGIN = "/api/0/auth/login/"


@pytest_asyncio.fixture
async def owner(registry):
    """The owner's credentials."""
    return {"email": registry.demo["admin_email"], "password": registry.demo["admin_password"]}


async def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(registry, owner):
    answer = await registry.http.post(LOGIN, json=owner)
    assert (answer.status_code, answer.json()["email"]) == (200, owner["email"])
    cookie = answer.headers["set-cookie"].lower()
    for attribute in ("httponly", "samesite=lax", "secure", "path=/", f"max-age={14 * 86400}"):
        assert attribute in cookie
    assert (await registry.http.get("/api/0/auth/")).json()["email"] == owner["email"]
    assert (await registry.http.get("/api/0/organizations/demo/")).status_code == 200
    changed = await registry.http.put("/api/0/projects/demo/web/", json={"name": "x"})
    assert changed.status_code == 200


async def test_without_https_the_cookie_is_sent_without_it(open_registry):
    async with open_registry(public_url="http://localhost:8000") as registry:
        demo = registry.demo
        login = {"email": f" {demo['admin_email'].upper()}\n", "password": demo["admin_password"]}
        answer = await registry.http.post(LOGIN, json=login)
        assert answer.status_code == 200
        assert "secure" not in answer.headers["set-cookie"].lower()


async def test_other_sites_can_neither_sign_in_nor_use_a_session(registry, owner):
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await registry.http.post(LOGIN, json=owner, headers=foreign)).status_code == 403
    await registry.http.post(LOGIN, json=owner)
    for headers in (foreign, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
        answer = await registry.http.put("/api/0/projects/demo/web/", json={"name": "x"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
        assert (await registry.http.delete("/api/0/auth/", headers=headers)).status_code == 403
    own = {"Origin": "https://feedback.example.org", "Sec-Fetch-Site": "same-origin"}
    answer = await registry.http.put("/api/0/projects/demo/web/", json={"name": "x"}, headers=own)
    assert answer.status_code == 200


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"email": "unknown@example.org"}])
async def test_wrong_credentials_are_401(registry, owner, change):
    answer = await registry.http.post(LOGIN, json=owner | change)
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    assert "set-cookie" not in answer.headers


def at(address):
    """A client behind our proxy."""
    return {"X-Forwarded-For": address}


@pytest_asyncio.fixture
async def strict(open_registry):
    """A registry with low limits."""
    limits = {"login_attempts_per_minute": 2, "login_attempts_per_address": 5, "login_attempts_per_account": 6}
    async with open_registry(**limits) as registry:
        yield registry


async def attempt(registry, address, email=None, password="wrong"):
    login = {"email": email or registry.demo["admin_email"], "password": password}
    answer = await registry.http.post(LOGIN, json=login, headers=at(address))
    registry.http.cookies.clear()
    if answer.status_code == 429:
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    return answer.status_code


async def test_attempts_are_limited_per_account_and_address(strict):
    right = strict.demo["admin_password"]
    assert [await attempt(strict, "192.0.2.1") for _ in range(3)] == [401, 401, 429]
    assert await attempt(strict, "192.0.2.1", password=right) == 429
    assert await attempt(strict, "192.0.2.1", "x@example.org") == 401
    strict.clock.move(minutes=1)
    assert await attempt(strict, "192.0.2.1", password=right) == 200


async def test_a_stranger_locks_no_person_out(strict):
    for _ in range(20):
        await attempt(strict, "192.0.2.1")
    assert await attempt(strict, "198.51.100.7", password=strict.demo["admin_password"]) == 200


async def test_spraying_over_many_accounts_is_limited_per_address(strict):
    tried = [await attempt(strict, "192.0.2.1", f"person-{number}@example.org") for number in range(6)]
    assert tried == [401] * 5 + [429]
    assert await attempt(strict, "192.0.2.2", "person-0@example.org") == 401


async def test_an_ipv6_network_is_one_address(strict):
    tried = [await attempt(strict, f"2001:db8::{number}") for number in range(3)]
    assert tried == [401, 401, 429]
    assert await attempt(strict, "2001:db8:0:1::1") == 401


async def test_strangers_at_many_addresses_are_limited_together_but_not_where_the_person_was(strict):
    right = strict.demo["admin_password"]
    assert await attempt(strict, "198.51.100.7", password=right) == 200
    strict.clock.move(minutes=1)
    tried = [await attempt(strict, f"192.0.2.{number}") for number in range(7)]
    assert tried == [401] * 6 + [429]
    assert await attempt(strict, "198.51.100.7", password=right) == 200


async def test_what_strangers_say_of_other_addresses_is_believed_of_proxies_alone(strict):
    """The last hop that is no proxy of ours counts, whatever a client claims before it."""
    tried = [await attempt(strict, f"203.0.113.{number}, 192.0.2.1") for number in range(3)]
    assert tried == [401, 401, 429]


async def test_guessing_the_current_password_is_limited(strict):
    session = await strict.sign_in()
    change = {"password": "a better one", "currentPassword": "wrong"}

    async def status():
        answer = await strict.http.put("/api/0/users/me/", json=change, headers=session | at("192.0.2.9"))
        return answer.status_code

    assert [await status() for _ in range(3)] == [400, 400, 429]


async def test_guessing_by_invitations_is_limited(strict):
    victim = strict.demo["admin_email"]
    other = await strict.bootstrap("other", "app")
    statuses = []
    for _ in range(3):
        body = {"email": victim}
        invited = await strict.post("/organizations/other/members/", body, token=other["token"], status=201)
        path = invited["invite_link"].partition("/accept/")[2]
        answer = await strict.http.post(
            f"/api/0/accept-invite/{path}", json={"password": "a guess of mine"}, headers=at("192.0.2.1")
        )
        strict.http.cookies.clear()
        statuses.append(answer.status_code)
        member = invited["id"]
        await strict.delete(f"/organizations/other/members/{member}/", token=other["token"])
    assert statuses == [200, 200, 429]


async def test_only_so_many_passwords_wait_to_be_hashed(open_registry, monkeypatch):
    monkeypatch.setattr(PasswordHasher, "__init__", NEW_HASHER)  # which takes its time
    limits = {"passwords_at_once_max": 1, "passwords_waiting_max": 1, "login_attempts_per_address": 1000}
    async with open_registry(**limits) as registry:
        tried = await asyncio.gather(
            *(attempt(registry, "192.0.2.1", f"person-{number}@example.org") for number in range(12))
        )
        assert set(tried) == {401, 503}
        assert await attempt(registry, "192.0.2.1", password=registry.demo["admin_password"]) == 200


async def test_signing_out_ends_the_session_itself(registry, owner):
    await registry.http.post(LOGIN, json=owner)
    secret = registry.http.cookies["hearback_session"]
    assert (await registry.http.delete("/api/0/auth/")).status_code == 204
    assert "hearback_session" not in registry.http.cookies
    kept = {"Cookie": f"hearback_session={secret}"}
    assert (await registry.http.get("/api/0/auth/", headers=kept)).status_code == 401
    assert (await registry.http.delete("/api/0/auth/")).status_code == 204


async def test_a_session_ends_with_its_time(registry, owner):
    await registry.http.post(LOGIN, json=owner)
    registry.clock.move(days=13, hours=23)
    assert (await registry.http.get("/api/0/auth/")).status_code == 200
    registry.clock.move(hours=1)
    assert (await registry.http.get("/api/0/auth/")).status_code == 401


async def test_a_new_password_ends_all_other_sessions(registry, owner):
    first = (await registry.http.post(LOGIN, json=owner)).cookies["hearback_session"]
    registry.http.cookies.clear()
    await registry.http.post(LOGIN, json=owner)
    change = {"password": "a better one", "currentPassword": owner["password"], "name": "Olga"}
    for bad in ({"currentPassword": "wrong"}, {"currentPassword": None}, {"password": "short"}):
        assert (await registry.http.put("/api/0/users/me/", json=change | bad)).status_code == 400
    changed = await registry.http.put("/api/0/users/me/", json=change)
    assert (changed.status_code, changed.json()["name"]) == (200, "Olga")
    assert (await registry.http.get("/api/0/auth/")).status_code == 200
    registry.http.cookies.clear()
    old = {"Cookie": f"hearback_session={first}"}
    assert (await registry.http.get("/api/0/auth/", headers=old)).status_code == 401
    assert (await registry.http.post(LOGIN, json=owner)).status_code == 401
    assert (await registry.http.post(LOGIN, json=owner | {"password": "a better one"})).status_code == 200


async def test_a_token_cannot_change_a_password(registry, owner):
    change = {"password": "a better one", "currentPassword": owner["password"]}
    await registry.put("/users/me/", change, status=401)


async def test_a_malformed_login_is_400(registry):
    for body in ({}, {"email": "a@b.c"}, {"email": 5, "password": "x"}, [], {"email": "x\x00", "password": "y"}):
        assert (await registry.http.post(LOGIN, json=body)).status_code == 400
