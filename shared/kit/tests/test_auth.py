"""Who calls: asked once, remembered briefly, known while the registry is away."""

import asyncio
from typing import Any

import pytest
from hearback_kit.auth import Authenticator, hash_secret
from hearback_kit.errors import Unavailable
from starlette.requests import Request


class Registry:
    """Knows one token; can be away, and slow until let go."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()
        self.role = "owner"

    async def __call__(self, kind: str, digest: str) -> dict[str, Any] | None:
        self.asked.append((kind, digest))
        await self.answers.wait()
        if self.away:
            raise Unavailable
        if digest != hash_secret("good"):
            return None
        return {"kind": kind, "id": 7, "tenants": {"1": self.role}, "scopes": ["org:read"]}


class Seconds:
    """Monotonic seconds that stand still."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def request(token: str | None) -> Request:
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def authenticator(registry, seconds) -> Authenticator:
    return Authenticator(registry, seconds=seconds)


async def test_a_caller_is_known_and_without_credentials_no_one_is_asked(authenticator, registry):
    principal = await authenticator.authenticate(request("good"))
    assert (principal.id, principal.tenants, principal.scopes) == ("7", {1: "owner"}, {"org:read"})
    assert await authenticator.authenticate(request("bad")) is None
    assert await authenticator.authenticate(request(None)) is None
    assert len(registry.asked) == 2
    assert "good" not in str(registry.asked)


async def test_an_answer_is_good_for_a_second(authenticator, registry, seconds):
    for moved in (0.0, 0.9, 0.2):
        seconds.now += moved
        await authenticator.authenticate(request("good"))
    assert len(registry.asked) == 2


async def test_questions_of_one_moment_share_an_answer(authenticator, registry):
    registry.answers.clear()
    callers = [asyncio.create_task(authenticator.authenticate(request("good"))) for _ in range(20)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    registry.answers.set()
    found = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert {principal.id for principal in found[1:]} == {"7"}
    assert len(registry.asked) == 1


async def test_the_last_answer_holds_while_the_registry_is_away_but_not_for_ever(authenticator, registry, seconds):
    await authenticator.authenticate(request("good"))
    registry.away = True
    seconds.now += 299
    assert (await authenticator.authenticate(request("good"))).id == "7"
    asked = len(registry.asked)
    assert (await authenticator.authenticate(request("good"))).id == "7"
    assert len(registry.asked) == asked, "a registry that was just away is not waited for again"
    with pytest.raises(Unavailable):
        await authenticator.authenticate(request("never seen"))
    seconds.now += 2
    with pytest.raises(Unavailable):
        await authenticator.authenticate(request("good"))


async def test_a_change_of_role_is_seen_after_a_second(authenticator, registry, seconds):
    await authenticator.authenticate(request("good"))
    registry.role = "member"
    seconds.now += 1.0
    assert (await authenticator.authenticate(request("good"))).tenants == {1: "member"}


async def test_remembered_answers_are_bounded(registry, seconds):
    authenticator = Authenticator(registry, entries_max=2, seconds=seconds)
    for token in ("good", "a", "b", "good"):
        await authenticator.authenticate(request(token))
    assert len(registry.asked) == 4
