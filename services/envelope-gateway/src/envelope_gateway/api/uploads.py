"""Bytes of attachments on their way to the blob store, and back when their request comes to nothing."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hearback_kit.blobs import BlobStore
from hearback_kit.bus.wire import NotSent
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger

from envelope_gateway.api.body import Body
from envelope_gateway.domain.plan import AttachmentDraft

LEFT_BEHIND_MAX = 10_000
TAKEN_BACK_AT_ONCE = 10
_log = get_logger(__name__)


class Uploads:
    """Shares the blob store among requests: so many puts at one time, so many requests that wait for one.

    Every key is used by one request alone, so that taking back never concerns another request, of
    this process or of any other. What was sent twice lies there twice until its consumer has seen both.
    """

    def __init__(self, blobs: BlobStore, *, at_once_max: int, requests_max: int) -> None:
        self._blobs = blobs
        self._slots = asyncio.Semaphore(at_once_max)
        self._requests_max = requests_max
        self._requests = 0
        self._left_behind: deque[str] = deque(maxlen=LEFT_BEHIND_MAX)

    @asynccontextmanager
    async def request(self) -> AsyncIterator["Upload"]:
        """What one request stores; taken back when the block raises before a message can be out.

        Raises Unavailable when too many requests store already.
        """
        if self._requests >= self._requests_max:
            raise Unavailable("too many requests wait for the blob store")
        self._requests += 1
        upload = Upload(self._blobs, self._slots)
        try:
            yield upload
        except BaseException as error:
            if not upload.is_announced or isinstance(error, NotSent):
                self._left_behind.extend(upload.keys)
                await self._take_back(len(upload.keys))
            raise
        else:
            await self._take_back(TAKEN_BACK_AT_ONCE)
        finally:
            self._requests -= 1

    async def _take_back(self, count: int) -> None:
        """Delete up to `count` of what failed requests left; what cannot be deleted waits for a better time."""
        keys = [self._left_behind.pop() for _ in range(min(count, len(self._left_behind)))]
        if not keys:
            return
        try:
            await self._blobs.delete(keys)
        except BaseException as error:
            self._left_behind.extend(keys)
            if not isinstance(error, Unavailable):
                raise
            _log.warning("blobs_left_behind", count=len(self._left_behind))


class Upload:
    """The bytes that one request brought."""

    def __init__(self, blobs: BlobStore, slots: asyncio.Semaphore) -> None:
        self._blobs = blobs
        self._slots = slots
        self.keys: list[str] = []
        self.is_announced = False

    async def put(self, key: str, draft: AttachmentDraft, body: Body) -> None:
        """Store the bytes of an attachment under a key that nobody else uses."""
        item = draft.item
        async with self._slots:
            self.keys.append(key)
            whole = isinstance(item.body, bytes)
            await self._blobs.put(key, item.payload if whole else body.pieces(item.start, item.end))

    def announce(self) -> None:
        """From now on a message may name the bytes: they stay unless it certainly was not sent."""
        self.is_announced = True
