"""Blobs: the same on a folder and on S3."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hearback_kit.blobs import CHUNK_BYTES, BlobMissing, BlobStore
from hearback_kit.errors import Unavailable
from hearback_kit.values.ids import random_id


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return BlobStore(f"file://{tmp_path}/blobs")
    return BlobStore(request.getfixturevalue("s3_server").blob_url(random_id()))


async def pieces(count: int, error: Exception | None = None) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 256]) * CHUNK_BYTES
    if error is not None:
        raise error


async def keys(store: BlobStore, prefix: str = "") -> list[tuple[str, int]]:
    return sorted([found async for found in store.list(prefix)])


async def test_what_was_put_is_got(store):
    await store.put("a/b", b"words")
    assert await store.get("a/b") == b"words"
    assert await store.exists("a/b")
    await store.put("a/b", b"others")
    assert await store.get("a/b") == b"others"


@pytest.mark.parametrize("count", [0, 1, 11])
async def test_a_stream_is_stored_whole(store, count):
    await store.put("long", pieces(count))
    sent = b"".join([piece async for piece in pieces(count)])
    assert b"".join([piece async for piece in store.stream("long")]) == sent


async def test_a_part_is_streamed(store):
    await store.put("a", bytes(range(100)))
    assert [piece async for piece in store.stream("a", 10, 20)] == [bytes(range(10, 20))]
    assert [piece async for piece in store.stream("a", 90, 1_000)] == [bytes(range(90, 100))]
    assert [piece async for piece in store.stream("a", 100)] == []


@pytest.mark.parametrize("error", [OSError("the disk is full"), ValueError("too long")], ids=["os", "value"])
async def test_a_stream_that_fails_leaves_nothing_and_its_own_error(store, error):
    with pytest.raises(type(error)):
        await store.put("half", pieces(7, error))
    assert not await store.exists("half")
    assert await keys(store) == []


async def test_what_is_missing_is_missing(store):
    assert not await store.exists("no")
    with pytest.raises(BlobMissing):
        await store.get("no")
    with pytest.raises(BlobMissing):
        [piece async for piece in store.stream("no")]
    await store.delete(["no", "neither"])


async def test_blobs_are_listed_by_prefix_and_deleted(store):
    for key in ("a/1", "a/2", "b/1"):
        await store.put(key, b"xy")
    assert await keys(store, "a") == [("a/1", 2), ("a/2", 2)]
    await store.delete(["a/1", "b/1"])
    assert await keys(store) == [("a/2", 2)]


async def test_a_key_stays_within_the_folder(tmp_path):
    store = BlobStore(f"file://{tmp_path}/blobs")
    with pytest.raises(ValueError, match="path"):
        await store.put("../outside", b"x")
    assert not (tmp_path / "outside").exists()


async def test_a_store_that_cannot_be_opened_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unavailable):
        BlobStore(f"file://{tmp_path}/file/blobs")
    with pytest.raises(Unavailable):
        BlobStore("nonsense://x")
