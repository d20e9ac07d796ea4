"""What was answered 200 is on a stream, whatever happens to Valkey; what was not, is in no part."""

import asyncio
from typing import Any

import httpx
from envelope_gateway.app import create_app
from envelope_gateway.settings import Settings
from hearback_contracts.streams import FEEDBACK_SUBMITTED, OUTCOME_RECORDED
from hearback_devkit.testing import ManualClock, eventually, served
from hearback_kit.valkey import connect

from ..conftest import SHARDS
from ..data.envelopes import KEY, UNKNOWN_KEY, sentry

AUTH = {"x-sentry-auth": f"Sentry sentry_key={KEY}"}


def envelope(number: int) -> bytes:
    event_id = f"{number:032x}".encode()
    payload = b'{"contexts":{"feedback":{"message":"%d"}}}' % number
    return b'{"event_id":"%b"}\n{"type":"feedback"}\n%b' % (event_id, payload)


async def stored(url: str) -> list[str]:
    client: Any = connect(url)
    found = []
    for key in FEEDBACK_SUBMITTED.shard_keys(SHARDS):
        for _, fields in await client.xrange(key):
            found.append(fields[b"b"].decode())
    await client.aclose()
    return found


async def send(client: Any, number: int) -> int:
    answer = await client.post("/api/1/envelope/", content=envelope(number), headers=AUTH)
    if answer.status_code != 200:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["detail"] in {"failed to queue envelope", "project not available"}
    return int(answer.status_code)


async def test_nothing_acknowledged_is_lost_when_valkey_dies_under_load(engine, publish, tmp_path):
    await publish(engine.url)
    settings = Settings(
        redis_url=engine.url, blob_url=f"file://{tmp_path}/b", data_dir=tmp_path, stream_shards=SHARDS
    )
    acknowledged: set[int] = set()
    refused = 0
    numbers = iter(range(1_000_000))
    done = asyncio.Event()

    async with (
        served(create_app(settings, clock=ManualClock())) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):

        async def user() -> None:
            nonlocal refused
            while not done.is_set():
                number = next(numbers)
                if await send(client, number) == 200:
                    acknowledged.add(number)
                else:
                    refused += 1
                    await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as group:
            for _ in range(16):
                group.create_task(user())
            await eventually(lambda: len(acknowledged) > 200)
            await asyncio.to_thread(engine.stop)
            await eventually(lambda: refused > 50)
            await asyncio.to_thread(engine.start)
            before = len(acknowledged)
            await eventually(lambda: len(acknowledged) > before + 200, seconds=30)
            done.set()

    bodies = await stored(engine.url)
    kept = {int(body.rpartition('"message":"')[2].partition('"')[0]) for body in bodies}
    assert acknowledged <= kept
    assert len(kept - acknowledged) <= 16 * 4  # in flight when it died: kept perhaps, never promised


async def test_a_stream_at_its_bound_answers_503_and_keeps_nothing(start_gateway):
    async with start_gateway(stream_entries_max=3) as gateway:
        answers = []

        async def refused() -> bool:
            answer = await gateway.send(envelope(len(answers)))
            answers.append(answer)
            return bool(answer.status_code == 503)

        await eventually(refused)
        refusal = answers[-1]
        assert refusal.json()["causes"] == ["envelope buffer does not have capacity"]
        assert refusal.headers["retry-after"] == "5"
        entries = await gateway.entries(FEEDBACK_SUBMITTED.name)
        assert len(entries) == sum(answer.status_code == 200 for answer in answers)
        recorded = await gateway.entries(OUTCOME_RECORDED.name)
        assert sum(len(entry.message.steps) for entry in recorded) == len(entries)


async def test_a_gateway_started_during_an_outage_refuses_and_then_works(start_gateway, redis_proxy):
    """Neither the registry nor PostgreSQL is there at all: what was published to Valkey is enough."""
    redis_proxy.refuse()
    async with start_gateway(redis_url=redis_proxy.url) as gateway:
        answer = await gateway.send(envelope(1))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["detail"] == "project not available"
        assert (await gateway.client.get("/readyz")).status_code == 503
        assert (await gateway.client.get("/healthz")).status_code == 200
        redis_proxy.heal()

        async def accepted() -> bool:
            return bool((await gateway.send(envelope(2))).status_code == 200)

        await eventually(accepted)
        assert await gateway.kinds() == [FEEDBACK_SUBMITTED.name]


async def test_an_unknown_key_is_refused_while_a_known_one_is_taken_from_memory(start_gateway, redis):
    async with start_gateway() as gateway:
        assert (await gateway.send(envelope(1))).status_code == 200
        await redis.delete("hearback:snapshot:project:1")
        unknown = await gateway.send(envelope(2), **sentry(UNKNOWN_KEY))
        assert unknown.status_code == 403
        assert (await gateway.send(envelope(3))).status_code == 200
