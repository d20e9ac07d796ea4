import pytest
import pytest_asyncio

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


async def test_without_https_the_cookie_is_sent_without_it(settings, open_registry):
    async with open_registry(settings.model_copy(update={"public_url": "http://localhost:8000"})) as registry:
        demo = await registry.bootstrap("demo", "web")
        login = {"email": demo["admin_email"].upper(), "password": demo["admin_password"]}
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
    assert (
        await registry.http.put("/api/0/projects/demo/web/", json={"name": "x"}, headers=own)
    ).status_code == 200


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"email": "nobody@example.org"}])
async def test_wrong_credentials_are_401(registry, owner, change):
    answer = await registry.http.post(LOGIN, json=owner | change)
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    assert "set-cookie" not in answer.headers


async def test_attempts_are_limited_per_account(settings, open_registry):
    async with open_registry(settings.model_copy(update={"login_attempts_per_minute": 2})) as registry:
        demo = await registry.bootstrap("demo", "web")
        wrong = {"email": demo["admin_email"], "password": "wrong"}
        right = wrong | {"password": demo["admin_password"]}
        for _ in range(2):
            assert (await registry.http.post(LOGIN, json=wrong)).status_code == 401
        answer = await registry.http.post(LOGIN, json=right)
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert (await registry.http.post(LOGIN, json=wrong | {"email": "x@y.z"})).status_code == 401
        registry.clock.move(minutes=1)
        assert (await registry.http.post(LOGIN, json=right)).status_code == 200


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
