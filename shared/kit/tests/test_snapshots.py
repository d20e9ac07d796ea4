"""Configuration snapshots: followed, and kept while the server is away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hearback_devkit.testing import beside, eventually
from hearback_kit.errors import Unavailable
from hearback_kit.snapshots import SnapshotCache, SnapshotStore
from hearback_kit.valkey import connect


@asynccontextmanager
async def cache_at(url: str, **more) -> AsyncIterator[SnapshotCache]:
    client, waiting = connect(url), connect(url, blocking=True)
    cache = SnapshotCache(client, waiting, _parse, block_ms=50, **more)
    try:
        async with beside(cache.follow):
            yield cache
    finally:
        await client.aclose()
        await waiting.aclose()


def _parse(_name: str, raw: bytes) -> bytes:
    if raw == b"unreadable":
        raise ValueError("of a later release")
    return raw


async def test_changes_are_followed(redis, redis_url):
    store = SnapshotStore(redis)
    async with cache_at(redis_url) as cache:
        assert await cache.load("a") is None
        for value in (b"1", b"2", None):
            await store.publish({"a": value})
            await eventually(lambda value=value: _is(cache, "a", value))


async def _is(cache: SnapshotCache, name: str, value: bytes | None) -> bool:
    return await cache.load(name) == value


async def test_the_last_known_copy_goes_on_and_changes_missed_are_caught_up(redis, redis_proxy):
    store = SnapshotStore(redis)
    await store.publish({"a": b"1"})
    async with cache_at(redis_proxy.url) as cache:
        assert await cache.load("a") == b"1"
        redis_proxy.refuse()
        await store.publish({"a": b"2"})
        assert await cache.load("a") == b"1"
        with pytest.raises(Unavailable):
            await cache.load("never read")
        redis_proxy.heal()
        await eventually(lambda: _is(cache, "a", b"2"))


async def test_a_server_that_lost_its_data_is_not_believed(redis, redis_url):
    store = SnapshotStore(redis)
    await store.publish({"a": b"1"})
    async with cache_at(redis_url) as cache:
        assert await cache.load("a") == b"1"
        await redis.flushall()
        await redis.client_kill_filter(_type="normal", skipme=True)
        await store.publish({"b": b"1"})
        await eventually(lambda: _is(cache, "b", b"1"))


async def test_what_cannot_be_understood_leaves_the_last_copy(redis, redis_url):
    store = SnapshotStore(redis)
    await store.publish({"a": b"1"})
    async with cache_at(redis_url) as cache:
        assert await cache.load("a") == b"1"
        await store.publish({"a": b"unreadable"})
        await eventually(lambda: cache.peek("a", "stale") == "stale")
        assert await cache.load("a") == b"1"
        await store.publish({"a": b"2"})
        await eventually(lambda: _is(cache, "a", b"2"))


async def test_made_up_names_push_nothing_out(redis, redis_url):
    await SnapshotStore(redis).publish({"a": b"1"})
    cache = SnapshotCache(redis, redis, _parse, entries_max=2)
    await cache.load("a")
    for n in range(10):
        assert await cache.load(f"made-up-{n}") is None
    assert cache.peek("a") == b"1"
    assert cache.peek("made-up-0", "unknown") == "unknown"


async def test_the_generation_changes_with_everything_that_was_peeked(redis, redis_url):
    """A copy of what `peek` returned is current as long as the generation is the same."""
    store = SnapshotStore(redis)
    await store.publish({"a": b"1", "b": b"1"})
    async with cache_at(redis_url) as cache:

        async def is_loaded() -> bool:
            await cache.load("a")
            return cache.peek("a", "stale") != "stale"

        for change in ({"a": b"2"}, {"a": None}, {"a": b"3"}):
            await eventually(is_loaded)
            known, generation = cache.peek("a", "stale"), cache.generation
            await store.publish(change)
            await eventually(lambda known=known: cache.peek("a", "stale") != known)
            assert cache.generation != generation or known is None
        await eventually(is_loaded)
        generation = cache.generation
        await cache.load("made-up")
        assert (cache.peek("a", "stale"), cache.generation) == (b"3", generation)
