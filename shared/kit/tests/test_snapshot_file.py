"""A file of the last known snapshots: a process that starts while the server is away has them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hearback_devkit.testing import FaultProxy, beside, eventually
from hearback_kit.errors import Unavailable
from hearback_kit.snapshot_file import SnapshotFile
from hearback_kit.snapshots import SnapshotCache, SnapshotStore
from hearback_kit.valkey import connect

Keeping = tuple[SnapshotCache, SnapshotFile]


@pytest.fixture
def keeping(redis_proxy: FaultProxy, tmp_path: Path) -> Callable[..., Any]:
    url, path = redis_proxy.url, tmp_path / "kept.json"

    @asynccontextmanager
    async def started(**more: Any) -> AsyncIterator[Keeping]:
        client, waiting = connect(url, timeout_seconds=0.5), connect(url, blocking=True)
        cache = SnapshotCache(client, waiting, lambda _, raw: int(raw), block_ms=50)
        options = {"prefixes": ("a", "b"), "interval_seconds": 0.02, **more}
        kept = SnapshotFile(cache, path, lambda value: b"%d" % value, **options)
        try:
            async with beside(cache.follow), beside(kept.run):
                yield cache, kept
        finally:
            await client.aclose()
            await waiting.aclose()

    return started


async def is_(cache: SnapshotCache, name: str, value: int | None) -> bool:
    try:
        return await cache.load(name) == value
    except Unavailable:
        return False


def holds(folder: Path, content: bytes) -> Callable[[], bool]:
    path = folder / "kept.json"
    return lambda: path.exists() and path.read_bytes() == content


async def test_a_process_that_starts_in_an_outage_knows_what_an_earlier_one_used(
    keeping, redis, redis_proxy, tmp_path
):
    store = SnapshotStore(redis)
    await store.publish({"a": b"1", "a2": b"2", "b": b"3", "c": b"4"})
    async with keeping() as (cache, _):
        assert [await cache.load(name) for name in ("a", "a2", "b", "c", "absent")] == [1, 2, 3, 4, None]
        await eventually(holds(tmp_path, b'{"b":"3","a2":"2","a":"1"}'))
        await store.publish({"a": b"10", "a2": None})
        await eventually(holds(tmp_path, b'{"b":"3","a":"10"}'))
    assert (tmp_path / "kept.json").stat().st_mode & 0o777 == 0o600
    redis_proxy.refuse()
    await store.publish({"b": None})
    async with keeping() as (cache, kept):
        await eventually(lambda: is_(cache, "a", 10))
        await eventually(lambda: is_(cache, "b", 3))
        for name in ("a2", "c", "never used"):
            with pytest.raises(Unavailable):
                await cache.load(name)
        with pytest.raises(Unavailable):
            await kept.save()
        redis_proxy.heal()
        await eventually(lambda: is_(cache, "b", None))  # what was removed meanwhile
        await eventually(holds(tmp_path, b'{"a":"10"}'))


async def test_what_an_earlier_process_knew_stays_known_without_being_used_and_is_read_again(
    keeping, redis, tmp_path
):
    store = SnapshotStore(redis)
    await store.publish({"a": b"1", "b": b"2"})
    (tmp_path / "kept.json").write_bytes(b'{"b":"0","a":"1"}')
    async with keeping() as (cache, _):
        assert await cache.load("b") == 2, "the server is there, and so it is asked"
        await eventually(holds(tmp_path, b'{"b":"2","a":"1"}'))


async def test_a_server_without_any_configuration_is_not_believed(keeping, redis, tmp_path):
    (tmp_path / "kept.json").write_bytes(b'{"a":"1"}')
    async with keeping() as (cache, kept):
        await eventually(lambda: is_(cache, "a", 1))
        with pytest.raises(Unavailable):
            await kept.save()
        await SnapshotStore(redis).publish({"b": b"5"})
        await eventually(lambda: is_(cache, "b", 5))
        await eventually(holds(tmp_path, b'{"b":"5","a":"1"}'))


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b'{"a":"no number"}', b'{"a":"1"}' + b" " * 100])
async def test_a_file_that_cannot_be_used_is_nothing_and_is_written_again(keeping, redis, tmp_path, content):
    (tmp_path / "kept.json").write_bytes(content)
    await SnapshotStore(redis).publish({"a": b"2"})
    async with keeping(bytes_max=40) as (cache, _):
        assert await cache.load("a") == 2
        await eventually(holds(tmp_path, b'{"a":"2"}'))


async def test_of_too_many_those_used_last_are_kept(keeping, redis, tmp_path):
    await SnapshotStore(redis).publish({f"a{n}": b"1" for n in range(9)})
    async with keeping(bytes_max=9) as (cache, _):
        for n in (*range(9), 2):
            await cache.load(f"a{n}")
        await eventually(holds(tmp_path, b'{"a8":"1","a7":"1","a6":"1"}'))


async def test_a_folder_that_cannot_be_written_to_stops_nothing(keeping, redis, tmp_path):
    (tmp_path / "kept.json").mkdir()
    await SnapshotStore(redis).publish({"a": b"2"})
    async with keeping() as (cache, kept):
        assert await cache.load("a") == 2
        await eventually(lambda: _saves(kept))
        assert await cache.load("a") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


async def _saves(kept: SnapshotFile) -> bool:
    try:
        await kept.save()
    except Unavailable:
        return False
    return True
