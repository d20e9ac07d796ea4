"""A blob store: a local folder by default, or an S3-compatible store. Built on obstore."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from hearback_kit.errors import Unavailable
from hearback_kit.files import sync

CHUNK_BYTES = 1024 * 1024
CONNECT_SECONDS_MAX = 3
REQUEST_SECONDS_MAX = 15
RETRIES_MAX = 2
RETRY_SECONDS_MAX = 10


class BlobMissing(Exception):
    """There is no blob under this key."""


@contextmanager
def _asked(key: str) -> Iterator[None]:
    """Translate the store's errors to BlobMissing and Unavailable."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise BlobMissing(key) from error
    except (BaseError, OSError) as error:
        raise Unavailable("the blob store cannot be reached") from error


def _open(url: str) -> Any:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalStore(Path(unquote(parts.path)), mkdir=True)
    plain = url.partition("?")[0]
    options = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    config: Any = {name: unquote(value) for name, value in options.items()}
    client: Any = {"connect_timeout": f"{CONNECT_SECONDS_MAX}s", "timeout": f"{REQUEST_SECONDS_MAX}s"}
    if config.get("endpoint", "").startswith("http://"):
        client["allow_http"] = True
    # The client has a time limit of its own, before which it should get "not now" as an answer.
    retry: Any = {"max_retries": RETRIES_MAX, "retry_timeout": timedelta(seconds=RETRY_SECONDS_MAX)}
    return from_url(plain, config=config or None, client_options=client, retry_config=retry)


class _Source:
    """The chunks to store; remembers whether an error came from them and not from the store."""

    def __init__(self, data: AsyncIterable[bytes]) -> None:
        self._data = data
        self.error: OSError | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._data:
                yield piece
        except OSError as error:
            self.error = error
            raise


def _sync(folder: Path, key: str) -> None:
    """Sync a file and its parent folders to disk."""
    path = folder / key.lstrip("/")
    for place in (path, *path.parents):
        sync(place)
        if place == folder:
            return


class BlobStore:
    """Puts, reads and deletes blobs. Every method raises Unavailable if the store cannot be reached.

    `url` is `file:///folder`, or `s3://bucket/prefix?endpoint=…&region=…&access_key_id=…&secret_access_key=…`.
    """

    def __init__(self, url: str) -> None:
        try:
            self._store = _open(url)
            self._folder = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
        except (BaseError, OSError, ValueError) as error:
            raise Unavailable(f"the blob store cannot be opened: {error}") from error

    async def put(self, key: str, data: bytes | AsyncIterable[bytes]) -> None:
        """Store bytes, or a stream without buffering it; durable when it returns.

        Atomic: if the stream raises, nothing is stored and its error is raised. Raise ValueError for a key that is
        not a relative path.
        """
        source = None if isinstance(data, bytes) else _Source(data)
        try:
            await obstore.put_async(
                self._store,
                key,
                data if source is None else source.pieces(),
                use_multipart=None,
                chunk_size=5 * CHUNK_BYTES,
                max_concurrency=2,
            )
            if self._folder is not None:
                await asyncio.to_thread(_sync, self._folder, key)
        except (BaseError, OSError) as error:
            if source is not None and source.error is not None:
                raise source.error from None
            raise Unavailable("the blob store cannot be reached") from error

    async def exists(self, key: str) -> bool:
        """Return whether there is a blob under this key."""
        try:
            with _asked(key):
                await obstore.head_async(self._store, key)
        except BlobMissing:
            return False
        return True

    async def get(self, key: str) -> bytes:
        """Return all bytes of a small blob; raise BlobMissing."""
        with _asked(key):
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes [start, end) in chunks; raise BlobMissing."""
        with _asked(key):
            position = start
            size = (await obstore.head_async(self._store, key))["size"]
            end = size if end is None else min(end, size)
            while position < end:
                step = min(CHUNK_BYTES, end - position)
                piece = await obstore.get_range_async(self._store, key, start=position, length=step)
                yield bytes(piece)
                position += step

    async def delete(self, keys: list[str]) -> None:
        """Delete blobs; missing ones are ignored."""
        for key in keys:
            with suppress(BlobMissing), _asked(key):
                await obstore.delete_async(self._store, key)

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, int]]:
        """Yield the keys under a prefix with their sizes in bytes."""
        try:
            async for batch in obstore.list(self._store, prefix=prefix or None):
                for entry in batch:
                    yield entry["path"], entry["size"]
        except (BaseError, OSError) as error:
            raise Unavailable("the blob store cannot be reached") from error
