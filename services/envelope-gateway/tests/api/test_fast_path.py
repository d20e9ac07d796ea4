"""The fast path: what it takes, what it leaves and why, and that both paths publish the same."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from envelope_gateway.api.fast_path import Left
from hearback_contracts.config import QuotaConfig
from hearback_devkit.testing import eventually, recorded

from ..conftest import AUTH
from ..data.envelopes import EVENT_ID, KEY, OFF_KEY, UNKNOWN_KEY, envelope, envelope_of, feedback, sentry


class Watched:
    """A gateway whose project is cached, and what its fast path took and left since the last look."""

    def __init__(self, gateway: Any) -> None:
        self.gateway = gateway
        self._before: dict[str, float] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.gateway, name)

    def left(self) -> dict[str, float]:
        """Count what was left to the slow path, by reason, since the last call."""
        now = {
            reason.value: recorded("envelope_gateway_fast_path_left_total", reason=reason.value) for reason in Left
        }
        changed = {reason: count - self._before.get(reason, 0) for reason, count in now.items()}
        self._before = now
        return {reason: count for reason, count in changed.items() if count}


@asynccontextmanager
async def watching(start_gateway: Any, **settings: Any) -> AsyncIterator[Watched]:
    async with start_gateway(**settings) as gateway:
        watched = Watched(gateway)
        await warm(watched)
        yield watched


@pytest.fixture
async def watched(start_gateway: Any) -> AsyncIterator[Watched]:
    async with watching(start_gateway) as found:
        yield found


async def warm(watched: Watched) -> None:
    """Have the project cached: the first request for it takes the slow path."""

    async def is_cached() -> bool:
        watched.left()
        await watched.send(b'{}\n{"type":"client_report"}\n{}')
        return watched.left() == {}

    await eventually(is_cached)
    await watched.empty()


TAKEN = [
    ("feedback",), ("event",), ("feedback event",), ("user_report",), ("client_report",), ("transaction",),
    ("event", "feedback", "client_report"), ("feedback", "wombat"),
]  # fmt: skip
LEFT = [
    (("feedback", "attachment"), {"attachments": 1}),
    (("integration",), {"refused": 1}),
    ((), {"no_items": 1}),
    (("large",), {}),  # it comes in pieces, and so is not offered to the fast path
]


@pytest.mark.parametrize("names", TAKEN, ids=" ".join)
@pytest.mark.parametrize("packed", [False, True])
async def test_complete_envelopes_take_the_fast_path(watched, names, packed):
    body = envelope_of(*names)
    headers = {"content-encoding": "gzip"} if packed else {}
    answer = await watched.send(gzip.compress(body) if packed else body, **headers)
    assert (answer.status_code, answer.json()["id"]) == (200, EVENT_ID)
    assert watched.left() == {}


@pytest.mark.parametrize(("names", "left"), LEFT, ids=[" ".join(names) for names, _ in LEFT])
async def test_others_are_left_and_counted(watched, names, left):
    await watched.send(envelope_of(*names))
    assert watched.left() == left


@pytest.mark.parametrize(
    ("status", "change", "reason"),
    [
        (401, {"x_sentry_auth": ""}, "no_authentication"),
        (400, sentry("abc"), "refused"),
        (403, sentry(UNKNOWN_KEY), "project_not_cached"),
        (403, sentry(OFF_KEY), "rejected"),
        (415, {"content_encoding": "wombat"}, "refused"),
        (400, {"content_encoding": "gzip"}, "refused"),
    ],
)
async def test_refusals_take_the_slow_path(watched, status, change, reason):
    await watched.send(envelope_of("feedback"), **change)  # a key that is known is cached now
    watched.left()
    answer = await watched.send(envelope_of("feedback"), **change)
    assert answer.status_code == status
    assert watched.left() == {reason: 1}
    assert await watched.kinds() == []


@pytest.mark.parametrize(
    ("status", "header"),
    [
        (400, {"dsn": f"https://{UNKNOWN_KEY}@example.com/1"}),
        (400, {"dsn": f"https://{KEY}@example.com/2"}),
        (400, {"event_id": "wombat"}),
        (200, {"dsn": f"https://{KEY}@example.com/1"}),
    ],
)
async def test_contradicting_headers_are_refused(watched, status, header):
    answer = await watched.send(envelope_of("feedback", **header))
    assert answer.status_code == status
    assert watched.left() == ({} if status == 200 else {"refused": 1})


async def test_unexpected_errors_are_counted_and_left(watched, monkeypatch):
    def fail(_body: bytes) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("envelope_gateway.api.fast_path.parse_envelope", fail)
    assert (await watched.send(envelope_of("feedback"))).status_code == 200
    assert watched.left() == {"error": 1}


@pytest.mark.parametrize("names", [*TAKEN, ("wombat",)], ids=" ".join)
async def test_both_paths_publish_the_same(start_gateway, names):
    published = []
    for is_fast in (True, False):
        async with watching(start_gateway) as gateway:
            before = recorded("envelope_gateway_requests_total", endpoint="envelope", status="200")
            if is_fast:
                await gateway.send(envelope_of(*names))
            else:
                transport = httpx.ASGITransport(app=gateway.app)
                async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                    headers = {"x-sentry-auth": AUTH}
                    await client.post("/api/1/envelope/", content=envelope_of(*names), headers=headers)
            assert gateway.left() == {}
            assert recorded("envelope_gateway_requests_total", endpoint="envelope", status="200") == before + 1
            published.append([_comparable(entry) for entry in await gateway.entries()])
    assert published[0] == published[1]


def _comparable(entry: Any) -> Any:
    data = {key: value for key, value in entry.data.items() if key not in {"id", "sdk"}}
    for one in [*data.get("outcomes", ()), *data.get("steps", ())]:
        one.pop("sdk", None)
    return entry.type, data, entry.body


def limited(limit: int | None) -> QuotaConfig:
    return QuotaConfig(id="q", categories=("feedback",), limit=limit, window=3_600, reason_code="why")


async def test_quotas_with_room_keep_requests_fast_and_count_each_once(watched):
    await watched.configure(quotas=(limited(2),))
    await warm(watched)
    statuses = [(await watched.send(envelope_of("feedback"))).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert watched.left() == {"quotas": 1}, "the third was asked about and refused"
    assert (await watched.send(envelope_of("feedback"))).status_code == 429
    assert watched.left() == {"quotas": 1}, "now it is known to be refused"
    assert await watched.kinds() == ["feedback.submitted"] * 2


async def test_several_items_under_quotas_take_the_slow_path(watched):
    await watched.configure(quotas=(limited(5),))
    await warm(watched)
    assert (await watched.send(envelope_of("feedback", "event"))).status_code == 200
    assert watched.left() == {"quotas": 1}


async def test_memory_is_given_back(start_gateway):
    body = envelope(feedback(pad="x" * 40_000))
    project = {"quotas": (limited(60),)}
    async with watching(start_gateway, bodies_memory_max=1024 * 1024, project=project) as gateway:
        statuses = [(await gateway.send(body)).status_code for _ in range(100)]
    assert statuses == [200] * 60 + [429] * 40


async def test_a_failed_commit_is_answered_503_and_can_be_sent_again(watched, redis):
    assert (await watched.send(envelope_of("feedback"))).status_code == 200
    await redis.config_set("maxmemory", "1")
    try:
        answer = await watched.send(envelope_of("feedback"))
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert watched.left() == {}
    finally:
        await redis.config_set("maxmemory", "0")
    assert (await watched.send(envelope_of("feedback"))).status_code == 200
    assert await watched.kinds() == ["feedback.submitted"] * 2


async def test_full_streams_are_answered_503(start_gateway):
    async with watching(start_gateway, stream_entries_max=1) as gateway:

        async def is_full() -> bool:
            return (await gateway.send(envelope_of("feedback"))).status_code == 503

        await eventually(is_full)
        assert gateway.left() == {}
