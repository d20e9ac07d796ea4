"""Signing in by an OpenID provider: a small real one, over HTTP, that signs its tokens."""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from fastapi import FastAPI, Form, Header, HTTPException
from hearback_devkit.testing import served
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from pydantic import SecretStr

from .conftest import Browser

CLIENT_ID, CLIENT_SECRET = "hearback", "secret of the client: with / and %"
CALLBACK = "https://feedback.example.org/auth/oidc/callback/"
OWNER = "owner@demo.example.com"


@dataclass
class Provider:
    """The provider's state; `claims` and `header` are changed by tests to lie."""

    now: Any
    issuer: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "first"}))
    claims: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "ES256"
    in_token: bool = True
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def authorize(self, url: str) -> dict[str, str]:
        """Play the person who signs in: the parameters that the browser brings back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["response_type"] == "code"
        assert (query["client_id"], query["redirect_uri"]) == (CLIENT_ID, CALLBACK)
        assert query["code_challenge_method"] == "S256"
        assert {"openid", "email"} <= set(query["scope"].split())
        code = secrets.token_urlsafe()
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    def token(self, nonce: str) -> str:
        stamp = int(self.now().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "42", "nonce": nonce}
        claims |= {"iat": stamp, "exp": stamp + 300}
        if self.in_token:
            claims |= {"email": OWNER, "email_verified": True, "name": "Olga"}
        claims |= self.claims
        key: Any = self.key
        if self.algorithm == "HS256":  # what the client and others know is no key
            key = OctKey.import_key(CLIENT_SECRET)
        return jwt.encode({"alg": self.algorithm, "kid": "first"}, claims, key, algorithms=[self.algorithm])


def provider_app(provider: Provider) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        provider.asked.append("discovery")
        return {
            "issuer": provider.issuer,
            "authorization_endpoint": f"{provider.issuer}/authorize?tenant=1",
            "token_endpoint": f"{provider.issuer}/token",
            "jwks_uri": f"{provider.issuer}/keys",
            "userinfo_endpoint": f"{provider.issuer}/userinfo",
        }

    @app.get("/keys")
    async def keys() -> dict[str, Any]:
        return {"keys": [provider.key.as_dict(private=False)]}

    @app.post("/token")
    async def token(
        code: Annotated[str, Form()],
        code_verifier: Annotated[str, Form()],
        redirect_uri: Annotated[str, Form()],
        grant_type: Annotated[str, Form()],
        authorization: Annotated[str, Header()],
    ) -> dict[str, Any]:
        asked = provider.codes.pop(code, None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).decode().rstrip("=")
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        expected = f"{CLIENT_ID}:secret%20of%20the%20client%3A%20with%20%2F%20and%20%25"
        if asked is None or asked["code_challenge"] != challenge or client != expected:
            raise HTTPException(400, "invalid_grant")
        assert (grant_type, redirect_uri) == ("authorization_code", CALLBACK)
        return {"access_token": "access", "token_type": "Bearer", "id_token": provider.token(asked["nonce"])}

    @app.get("/userinfo")
    async def userinfo(authorization: Annotated[str, Header()]) -> dict[str, Any]:
        assert authorization == "Bearer access"
        return {"sub": "42", "email": OWNER, "email_verified": True} | provider.claims

    return app


@dataclass
class World:
    provider: Provider
    registry: Any
    browser: Browser

    async def start(self, wanted: str = "/settings/demo/") -> dict[str, str]:
        answer = await self.browser.get("/auth/oidc/start/", params={"next": wanted}, status=303)
        return self.provider.authorize(answer.headers["location"])

    async def back(self, parameters: dict[str, str], status: int = 303) -> Any:
        return await self.browser.get("/auth/oidc/callback/", params=parameters, status=status)


@pytest.fixture
def options() -> dict[str, Any]:
    """Further settings of the registry."""
    return {}


@pytest_asyncio.fixture
async def world(open_registry: Any, options: dict[str, Any]) -> AsyncIterator[World]:
    provider = Provider(lambda: None)
    async with served(provider_app(provider)) as url:
        provider.issuer = url
        changes = {
            "oidc_issuer": url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": SecretStr(CLIENT_SECRET),
            "oidc_name": "Acme",
            **options,
        }
        async with open_registry(**changes) as registry:
            provider.now = registry.clock.now
            yield World(provider, registry, Browser(registry.http))


async def test_the_way_there_and_back(world):
    page = (await world.browser.get("/auth/login/")).text
    assert "Sign in by Acme" in page
    answer = await world.back(await world.start())
    assert answer.headers["location"] == "/settings/demo/"
    await world.browser.get("/settings/demo/")
    account = (await world.browser.get("/api/0/auth/")).json()
    assert (account["email"], account["isEmailVerified"]) == (OWNER, True)


async def test_addresses_are_asked_of_the_provider_when_its_token_has_none(world):
    world.provider.in_token = False
    await world.back(await world.start())
    await world.browser.get("/settings/demo/")
    assert world.provider.asked == ["discovery"]


async def test_a_proven_address_takes_the_account_from_whoever_only_claimed_it(world):
    """Its password, sessions and tokens were another's, maybe."""
    claimed = Browser(world.registry.http)
    await claimed.sign_in(OWNER, world.registry.demo["admin_password"])
    old = world.registry.http.cookies["hearback_session"]
    world.registry.http.cookies.clear()
    await world.back(await world.start())
    await world.registry.get("/organizations/demo/", status=401)
    stale = await world.registry.http.get("/settings/demo/", headers={"Cookie": f"hearback_session={old}"})
    assert stale.status_code == 303
    fields = {"password": "a password of mine"}
    await world.browser.submit("/settings/account/password/", fields, page="/settings/account/")
    await world.browser.submit("/auth/logout/", page="/settings/account/")
    await world.browser.sign_in(OWNER, "a password of mine")
    await world.browser.get("/settings/demo/")
    await world.browser.submit("/auth/logout/", page="/settings/account/")
    await world.back(await world.start())
    await world.browser.submit("/auth/logout/", page="/settings/account/")
    await world.browser.sign_in(OWNER, "a password of mine")


async def test_whoever_is_invited_gets_an_account_but_no_membership(world):
    invited = await world.registry.post("/organizations/demo/members/", {"email": "ann@example.org"}, status=201)
    world.provider.claims = {"email": "Ann@example.org"}
    await world.back(await world.start("/"))
    assert "no organization yet" in (await world.browser.get("/")).text
    await world.browser.get("/settings/demo/", status=404)
    await world.browser.submit(invited["invite_link"], {"as": "session"})
    await world.browser.get("/settings/demo/")


async def test_a_stranger_gets_nothing(world):
    world.provider.claims = {"email": "stranger@example.org"}
    page = await world.back(await world.start(), 403)
    assert "invitation" in page.text
    assert "hearback_session" not in world.registry.http.cookies


LIES = {
    "address not verified": ({"email_verified": False}, 403),
    "address not said to be verified": ({"email_verified": None}, 403),
    "another issuer": ({"iss": "https://evil.example"}, 401),
    "for another client": ({"aud": "another"}, 401),
    "for several, by another one": ({"aud": [CLIENT_ID, "another"], "azp": "another"}, 401),
    "for several, by none": ({"aud": [CLIENT_ID, "another"]}, 401),
    "expired": ({"exp": 1}, 401),
    "from the future": ({"iat": 4_000_000_000}, 401),
    "another nonce": ({"nonce": "another"}, 401),
    "no nonce": ({"nonce": None}, 401),
    "no address": ({"email": 7}, 401),
}


async def test_what_the_provider_must_not_say(world):
    for name, (claims, status) in LIES.items():
        world.provider.claims = claims
        answer = await world.browser.http.get("/auth/oidc/callback/", params=await world.start())
        assert answer.status_code == status, name
        assert "hearback_session" not in world.registry.http.cookies
    world.provider.claims = {}
    world.provider.algorithm = "HS256"
    await world.back(await world.start(), 401)
    world.provider.algorithm = "ES256"
    published, world.provider.key = world.provider.key, ECKey.generate_key("P-256", {"kid": "first"})
    await world.back(await world.start(), 401)
    world.provider.key = published
    await world.back(await world.start())


async def test_an_answer_counts_once_and_in_the_browser_that_began(world):
    good = await world.start()
    cookie = world.registry.http.cookies["hearback_oidc"]
    await world.back({**good, "state": "another"}, 400)
    await world.back(good, 400)  # the cookie is gone
    world.registry.http.cookies.set("hearback_oidc", cookie, domain="feedback.example.org", path="/auth/oidc/")
    await world.back({**good, "iss": "https://evil.example"}, 400)
    good = await world.start()
    await world.back({**good, "code": "made-up"}, 401)
    good = await world.start()
    await world.back({"error": "access_denied", "state": good["state"]}, 401)
    good = await world.start()
    tampered = world.registry.http.cookies["hearback_oidc"][:-1] + "x"
    world.registry.http.cookies.set("hearback_oidc", tampered, domain="feedback.example.org", path="/auth/oidc/")
    await world.back(good, 400)
    good = await world.start()
    world.registry.clock.move(minutes=11)
    await world.back(good, 400)
    assert "hearback_session" not in world.registry.http.cookies


async def test_it_leads_to_no_other_site(world):
    answer = await world.back(await world.start("https://evil.example/"))
    assert answer.headers["location"] == "/"


async def test_a_provider_that_is_away_is_said(world):
    world.provider.issuer = "http://127.0.0.1:9/another"
    page = await world.browser.get("/auth/oidc/start/", status=503)
    assert "another issuer" in page.text
    assert page.headers["retry-after"]


@pytest.mark.parametrize("options", [{"oidc_domains": ("acme.example",)}])
async def test_only_addresses_of_the_domains_that_are_set(world):
    page = await world.back(await world.start(), 403)
    assert "this domain" in page.text


async def test_without_a_provider_there_is_nothing(owner, new_browser):
    browser = new_browser()
    assert "/auth/oidc/" not in (await browser.get("/auth/login/")).text
    await browser.get("/auth/oidc/start/", status=404)
    await browser.get("/auth/oidc/callback/", status=404)
