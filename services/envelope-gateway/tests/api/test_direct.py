"""The direct way: what takes it and what does not, and that it leaves behind what the ordinary way does."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hearback_contracts.config import QuotaConfig
from hearback_kit.http_exchange import Exchange
from hearback_kit.testing import eventually

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
PUBLIC_KEY = "0123456789abcdef0123456789abcdef"
AUTH = f"Sentry sentry_key={PUBLIC_KEY}, sentry_client=test/1.0"
WORDS = b'{"contexts":{"feedback":{"message":"hi"}}}'
ITEMS: dict[str, tuple[dict[str, Any], bytes]] = {
    "feedback": ({"type": "feedback"}, WORDS),
    "event": ({"type": "event"}, b'{"message":"boom"}'),
    "feedback event": ({"type": "event"}, b'{"type":"feedback",' + WORDS[1:]),
    "user_report": ({"type": "user_report"}, b'{"event_id":"%b","comments":"hi"}' % EVENT_ID.encode()),
    "client_report": ({"type": "client_report"}, b'{"discarded_events":[]}'),
    "attachment": ({"type": "attachment", "filename": "a"}, b"12345"),
    "transaction": ({"type": "transaction"}, b"{}"),
    "wombat": ({"type": "wombat"}, b"{}"),
    "integration": ({"type": "integration"}, b"{}"),
    "large": ({"type": "event"}, b'{"message":"%b"}' % (b"x" * 1_100_000)),
}


def envelope(*names: str, **header: Any) -> bytes:
    lines = [json.dumps({"event_id": EVENT_ID} | header).encode()]
    for head, payload in (ITEMS[name] for name in names):
        lines += [json.dumps({**head, "length": len(payload)}).encode(), payload]
    return b"\n".join(lines)


@pytest.fixture
async def watched(start_gateway: Any) -> AsyncIterator[Any]:
    async with start_gateway() as gateway:
        watch(gateway)
        await warm(gateway)
        yield gateway


def watch(gateway: Any) -> None:
    """Note what is taken directly."""
    direct = gateway.app.direct

    def noting(exchange: Exchange) -> bool:
        gateway.app.taken.append(direct(exchange))
        return bool(gateway.app.taken[-1])

    gateway.app.direct = noting


async def warm(gateway: Any) -> None:
    """Have the project loaded: the first request for it goes the ordinary way."""
    gateway.app.taken = [False]

    async def is_known() -> bool:
        await gateway.send(b'{}\n{"type":"client_report"}\n{}')
        return bool(gateway.app.taken[-1])

    await eventually(is_known)
    await gateway.empty()
    gateway.app.taken = []


ORDINARY = [
    ("feedback",),
    ("event",),
    ("feedback event",),
    ("user_report",),
    ("client_report",),
    ("transaction",),
    ("event", "feedback", "client_report"),
    ("feedback", "wombat"),
]
NOT_ORDINARY = [("feedback", "attachment"), ("integration",), ("large",), ()]


@pytest.mark.parametrize("names", ORDINARY, ids=" ".join)
@pytest.mark.parametrize("packed", [False, True])
async def test_ordinary_envelopes_go_directly(watched, names, packed):
    body = envelope(*names)
    headers = {"content-encoding": "gzip"} if packed else {}
    answer = await watched.send(gzip.compress(body) if packed else body, **headers)
    assert (answer.status_code, answer.json()["id"]) == (200, EVENT_ID)
    assert watched.app.taken == [True]


@pytest.mark.parametrize("names", NOT_ORDINARY, ids=" ".join)
async def test_others_go_the_ordinary_way(watched, names):
    await watched.send(envelope(*names))
    assert watched.app.taken in ([False], [])  # large ones come in pieces, and are not offered at all


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (401, {"x_sentry_auth": ""}),
        (400, {"x_sentry_auth": "Sentry sentry_key=abc"}),
        (403, {"x_sentry_auth": f"Sentry sentry_key={'e' * 32}"}),
        (403, {"x_sentry_auth": f"Sentry sentry_key={'f' * 32}"}),
        (415, {"content_encoding": "wombat"}),
        (400, {"content_encoding": "gzip"}),
    ],
)
async def test_refusals_are_the_ordinary_way(watched, status, change):
    answer = await watched.send(envelope("feedback"), **change)
    assert answer.status_code == status
    assert watched.app.taken == [False]
    assert await watched.kinds() == []


@pytest.mark.parametrize(
    ("status", "header"),
    [
        (400, {"dsn": f"https://{'e' * 32}@example.com/1"}),
        (400, {"dsn": f"https://{PUBLIC_KEY}@example.com/2"}),
        (400, {"event_id": "wombat"}),
        (200, {"dsn": f"https://{PUBLIC_KEY}@example.com/1"}),
    ],
)
async def test_headers_that_contradict_are_seen(watched, status, header):
    answer = await watched.send(envelope("feedback", **header))
    assert answer.status_code == status
    assert watched.app.taken == [status == 200]


@pytest.mark.parametrize("names", [*ORDINARY, ("wombat",)], ids=" ".join)
async def test_both_ways_leave_the_same_behind(start_gateway, names):
    left = []
    for direct in (True, False):
        async with start_gateway() as gateway:
            watch(gateway)
            await warm(gateway)
            if direct:
                await gateway.send(envelope(*names))
            else:
                transport = httpx.ASGITransport(app=gateway.app)
                async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                    await client.post(
                        "/api/1/envelope/", content=envelope(*names), headers={"x-sentry-auth": AUTH}
                    )
            assert gateway.app.taken == [True] * direct
            left.append([_comparable(entry) for entry in await gateway.entries()])
    assert left[0] == left[1]


def _comparable(entry: Any) -> Any:
    data = {key: value for key, value in entry.data.items() if key not in {"id", "sdk"}}
    for one in [*data.get("outcomes", ()), *data.get("steps", ())]:
        one.pop("sdk", None)
    return entry.type, data, entry.body


def limited(limit: int | None) -> QuotaConfig:
    return QuotaConfig(
        id="q", categories=("feedback",), scope="project", limit=limit, window=3_600, reason_code="why"
    )


async def test_a_quota_that_lets_pass_keeps_requests_direct_and_counts_each_once(watched):
    await watched.configure(quotas=(limited(2),))
    await warm(watched)
    statuses = [(await watched.send(envelope("feedback"))).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert watched.app.taken == [True, True, True]  # the third was asked about, and refused the ordinary way
    assert (await watched.send(envelope("feedback"))).status_code == 429
    assert watched.app.taken[-1] is False  # now it is known
    assert await watched.kinds() == ["feedback.submitted"] * 2


async def test_several_items_under_quotas_go_the_ordinary_way(watched):
    await watched.configure(quotas=(limited(5),))
    await warm(watched)
    assert (await watched.send(envelope("feedback", "event"))).status_code == 200
    assert watched.app.taken == [False]


async def test_memory_is_given_back(start_gateway):
    body = envelope("feedback").replace(b'"length": 42', b'"length": 40042') + b" " * 40_000
    project = {"quotas": (limited(60),)}
    async with start_gateway(bodies_memory_max=1024 * 1024, project=project) as gateway:
        watch(gateway)
        await warm(gateway)
        statuses = [(await gateway.send(body)).status_code for _ in range(100)]
    assert statuses == [200] * 60 + [429] * 40


async def test_what_cannot_be_kept_is_told_and_can_be_sent_again(start_gateway, redis):
    async with start_gateway() as gateway:
        watch(gateway)
        await warm(gateway)
        assert (await gateway.send(envelope("feedback"))).status_code == 200
        await redis.config_set("maxmemory", "1")
        try:
            answer = await gateway.send(envelope("feedback"))
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert gateway.app.taken == [True, True]
        finally:
            await redis.config_set("maxmemory", "0")
        assert (await gateway.send(envelope("feedback"))).status_code == 200
        assert await gateway.kinds() == ["feedback.submitted"] * 2


async def test_full_streams_are_told(start_gateway):
    async with start_gateway(stream_entries_max=1) as gateway:
        watch(gateway)
        await warm(gateway)

        async def is_full() -> bool:
            return (await gateway.send(envelope("feedback"))).status_code == 503

        await eventually(is_full)
        assert gateway.app.taken[-1] is True
