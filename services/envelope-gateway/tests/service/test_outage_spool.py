"""A long outage of Valkey: what is answered 200 lies on the disk, and later once on the streams, in order."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from envelope_gateway.app import create_app
from envelope_gateway.settings import Settings
from hearback_contracts.config import QuotaConfig
from hearback_contracts.streams import FEEDBACK_SUBMITTED, OUTCOME_RECORDED
from hearback_devkit.testing import eventually
from hearback_kit.snapshots import SnapshotStore
from hearback_kit.valkey import connect

from ..conftest import SHARDS
from ..data.envelopes import KEY, OFF_KEY

AUTH = {"x-sentry-auth": f"Sentry sentry_key={KEY}"}
MIB = 1024 * 1024


def envelope(number: int, *, size: int = 0, attachment: bytes = b"") -> bytes:
    message = b"%d%s" % (number, b" " * size)
    lines = [
        b'{"event_id":"%032x"}' % (number + 1),
        b'{"type":"feedback"}',
        b'{"contexts":{"feedback":{"message":"%b"}}}' % message,
    ]
    if attachment:
        lines += [b'{"type":"attachment","length":%d,"filename":"a.txt"}' % len(attachment), attachment]
    return b"\n".join(lines)


async def send(client: httpx.AsyncClient, number: int, **more: Any) -> httpx.Response:
    return await client.post("/api/1/envelope/", content=envelope(number, **more), headers=AUTH)


async def entries(url: str, stream: Any, field: bytes) -> list[bytes]:
    client: Any = connect(url)
    found = [fields[field] for key in stream.shard_keys(SHARDS) for _, fields in await client.xrange(key)]
    await client.aclose()
    return found


def spooling(redis_url: str, folder: Path) -> dict[str, object]:
    """Settings of a gateway that soon writes to its disk."""
    return {"redis_url": redis_url, "outage_spool_dir": folder / "spool", "outage_spool_after_seconds": 0.2}


def number_of(body: bytes) -> int:
    found = re.search(rb'"message":"(\d+) *"', body)
    assert found is not None
    return int(found[1])


async def stored(url: str) -> list[int]:
    return [number_of(body) for body in await entries(url, FEEDBACK_SUBMITTED, b"b")]


async def test_what_was_spooled_outlives_a_kill_and_is_stored_once_in_order(
    engine, publish, serve_gateway, tmp_path
):
    await publish(engine.url)
    settings = spooling(engine.url, tmp_path)
    acknowledged: list[int] = []
    with serve_gateway(**settings) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
            for number in range(20):
                assert (await send(client, number)).status_code == 200
            await asyncio.to_thread(engine.stop)
            await eventually(lambda: _answers(client, 20, 200))
            acknowledged += range(21)

            async def user(first: int) -> None:
                number = first
                while True:
                    answer = await send(client, number)
                    assert answer.status_code == 200
                    acknowledged.append(number)
                    number += 4

            users = [asyncio.create_task(user(21 + n)) for n in range(4)]
            await eventually(lambda: len(acknowledged) > 300, seconds=60)
            assert gateway.is_ready()
            gateway.kill()
            ended = await asyncio.gather(*users, return_exceptions=True)
            assert all(isinstance(error, httpx.TransportError) for error in ended), ended
    with serve_gateway(**settings) as gateway:
        assert gateway.is_ready()
        await asyncio.to_thread(engine.start)
        found = await eventually(lambda: _stored_all(engine.url, acknowledged), seconds=30)
        async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
            await eventually(lambda: _answers(client, 1_000_000, 200))
    assert len(found) == len(set(found))
    assert set(found) - set(acknowledged) <= {max(one for one in found if one % 4 == n) for n in range(4)}
    for residue in range(4):  # each user's, one after the other
        of_user = [one for one in found if one > 20 and one % 4 == residue]
        assert of_user == sorted(of_user)
    steps = b"".join(await entries(engine.url, OUTCOME_RECORDED, b"d"))
    counts = {number: steps.count(b'"submission_id":"%032x"' % (number + 1)) for number in acknowledged}
    assert set(counts.values()) == {1}, counts


async def test_a_gateway_that_starts_in_an_outage_serves_the_projects_it_knew(
    engine, publish, serve_gateway, tmp_path
):
    await publish(engine.url)
    settings = spooling(engine.url, tmp_path)
    kept = tmp_path / "spool" / "configuration.json"
    with serve_gateway(**settings) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
            assert (await send(client, 0)).status_code == 200
            assert await _status_for(client, OFF_KEY) == 403
        await eventually(lambda: kept.exists() and b"project:1" in kept.read_bytes(), seconds=20)
        assert kept.stat().st_mode & 0o777 == 0o600
        await asyncio.to_thread(engine.stop)
    with serve_gateway(**settings) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
            await eventually(lambda: _answers(client, 1, 200))
            for number in range(2, 20):
                assert (await send(client, number)).status_code == 200
            assert await _status_for(client, OFF_KEY) == 403, "known to be off"
            assert await _status_for(client, "0" * 32) == 503, "not known, and so for later"
            await asyncio.to_thread(engine.start)
            found = await eventually(lambda: _stored_all(engine.url, list(range(20))), seconds=30)
            assert sorted(found) == list(range(20))
            await _revoke(engine.url)
            await eventually(lambda: _answers(client, 20, 403))
            await eventually(lambda: b"project:1" not in kept.read_bytes(), seconds=20)


async def _status_for(client: httpx.AsyncClient, key: str) -> int:
    auth = {"x-sentry-auth": f"Sentry sentry_key={key}"}
    return (await client.post("/api/1/envelope/", content=envelope(99), headers=auth)).status_code


async def _revoke(url: str) -> None:
    client = connect(url)
    await SnapshotStore(client).publish({f"key:{KEY}": None, "project:1": None})
    await client.aclose()


async def _stored_all(url: str, wanted: list[int]) -> list[int]:
    found = await stored(url)
    return found if set(wanted) <= set(found) else []


@pytest.fixture
def start(start_gateway, redis_proxy, tmp_path) -> Any:
    """Start gateways that spool at once, with a proxy to their Valkey."""

    @asynccontextmanager
    async def started(folder: str = "spool", **settings: Any) -> AsyncIterator[Any]:
        spool = {"outage_spool_dir": tmp_path / folder, "outage_spool_after_seconds": 0.0}
        async with start_gateway(redis_url=redis_proxy.url, **spool, **settings) as gateway:
            assert (await send(gateway.client, 0)).status_code == 200
            yield gateway

    return started


async def test_two_gateways_spool_each_into_a_folder_of_its_own(start, redis_proxy, redis_url):
    async with start("one") as one, start("two") as two:
        redis_proxy.refuse()
        for number in range(1, 11):
            gateway = one if number % 2 else two
            assert (await send(gateway.client, number)).status_code == 200
        for gateway in (one, two):
            assert (await gateway.client.get("/readyz")).status_code == 200
        redis_proxy.heal()
        found = await eventually(lambda: _stored_all(redis_url, list(range(11))))
    assert [one for one in found if one % 2] == [1, 3, 5, 7, 9]
    assert sorted(found) == [0, 0, *range(1, 11)]


async def test_a_full_spool_is_answered_503_until_it_is_replayed(start, redis_proxy, redis_url):
    async with start(outage_spool_bytes_max=MIB) as gateway:
        redis_proxy.refuse()
        assert (await send(gateway.client, 1, size=600_000)).status_code == 200
        answer = await send(gateway.client, 2, size=600_000)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert (await gateway.client.get("/readyz")).status_code == 503
        assert (await send(gateway.client, 3, size=100_000)).status_code == 200, "what fits is taken"
        redis_proxy.heal()
        await eventually(lambda: _stored_all(redis_url, [0, 1, 3]))
        await eventually(lambda: _answers(gateway.client, 4, 200))
    assert 2 not in await stored(redis_url)


async def test_attachments_are_in_the_blob_store_and_their_messages_in_the_spool(start, redis_proxy, redis_url):
    async with start() as gateway:
        redis_proxy.refuse()
        assert (await send(gateway.client, 1, attachment=b"hello")).status_code == 200
        assert [path.read_bytes() for path in gateway.blob_files()] == [b"hello"]
        redis_proxy.heal()
        await eventually(lambda: _stored_all(redis_url, [0, 1]))
        [entry] = await gateway.entries("attachment.stored")
        assert entry.message.size == 5


async def test_quotas_are_neither_asked_in_an_outage_nor_counted_at_the_replay(start, redis_proxy, redis_url):
    quota = QuotaConfig(id="q", categories=("feedback",), scope="project", limit=2, window=60, reason_code="why")
    async with start(project={"quotas": (quota,)}) as gateway:
        redis_proxy.refuse()
        for number in range(1, 5):
            assert (await send(gateway.client, number)).status_code == 200
        redis_proxy.heal()
        await eventually(lambda: _stored_all(redis_url, list(range(5))))
        await eventually(lambda: _answers(gateway.client, 5, 200))
        await eventually(lambda: _answers(gateway.client, 6, 429))


async def _answers(client: httpx.AsyncClient, number: int, status: int) -> bool:
    return (await send(client, number)).status_code == status


async def test_a_folder_that_cannot_be_written_to_ends_the_start(redis_url, tmp_path):
    (tmp_path / "file").write_text("")
    app = create_app(
        Settings(redis_url=redis_url, data_dir=tmp_path, outage_spool_dir=tmp_path / "file" / "spool")
    )
    with pytest.raises(NotADirectoryError):
        async with app.router.lifespan_context(app):
            pass
