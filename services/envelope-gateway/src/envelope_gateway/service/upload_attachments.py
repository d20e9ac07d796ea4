"""Upload attachments to the blob store, and delete them if their request fails."""

import asyncio
import hashlib
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from hearback_contracts.streams import ATTACHMENT_STORED
from hearback_kit.blobs import BlobStore
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.resp_link import NotSent
from hearback_kit.values.ids import derived_id

from envelope_gateway.domain.messages import AttachmentStored
from envelope_gateway.domain.plan import AttachmentDraft, Plan

LEFT_BEHIND_MAX = 10_000
DELETED_PER_REQUEST = 10
HASH_INLINE_BYTES_MAX = 256 * 1024
_log = get_logger(__name__)


class PayloadSource(Protocol):
    """A request's body, from which attachments are read."""

    def pieces(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield a part of the body in pieces of at most 1 MiB."""


class AttachmentUploader:
    """Bounds concurrent puts to the blob store, and requests waiting for one.

    Every key belongs to one request, so deleting it never affects another. An attachment that is sent twice is
    stored twice until the consumer has seen both.
    """

    def __init__(self, blobs: BlobStore, *, puts_max: int, requests_max: int) -> None:
        self._blobs = blobs
        self._slots = asyncio.Semaphore(puts_max)
        self._requests_max = requests_max
        self._requests = 0
        self._left_behind: deque[str] = deque(maxlen=LEFT_BEHIND_MAX)

    @asynccontextmanager
    async def request(self) -> AsyncIterator["Upload"]:
        """Yield the upload of one request; its blobs are deleted if the block raises before a message may be out.

        Raise Unavailable if too many requests are uploading.
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
                await self._delete_left_behind(len(upload.keys))
            raise
        else:
            await self._delete_left_behind(DELETED_PER_REQUEST)
        finally:
            self._requests -= 1

    async def _delete_left_behind(self, count: int) -> None:
        """Delete up to `count` blobs of failed requests; failures are retried later."""
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
    """The attachments of one request."""

    def __init__(self, blobs: BlobStore, slots: asyncio.Semaphore) -> None:
        self._blobs = blobs
        self._slots = slots
        self.keys: list[str] = []
        self.is_announced = False

    async def store_all(self, plan: Plan, body: PayloadSource) -> None:
        """Upload the plan's attachments and add their messages to it."""
        context = plan.context
        seen: Counter[tuple[str, str]] = Counter()
        for draft in plan.attachments:
            sha1 = await _sha1(draft, body)
            same = (draft.name, sha1)
            seen[same] += 1
            attachment_id = derived_id("attachment", context.project.id, draft.event_id, *same, seen[same])
            key = f"{context.project.id}/{draft.event_id}/{attachment_id}/{context.new_id()}"
            await self._put(key, draft, body)
            message = AttachmentStored(
                attachment_id=attachment_id,
                event_id=draft.event_id,
                name=draft.name,
                content_type=draft.content_type,
                attachment_type=draft.attachment_type,
                size=len(draft.item),
                sha1=sha1,
                blob_key=key,
                **context.common_fields(),
            )
            plan.publish(ATTACHMENT_STORED, message)

    def announce(self) -> None:
        """Note that a message may refer to the blobs from now on: they stay unless it was certainly not sent."""
        self.is_announced = True

    async def _put(self, key: str, draft: AttachmentDraft, body: PayloadSource) -> None:
        item = draft.item
        async with self._slots:
            self.keys.append(key)
            whole = isinstance(item.body, bytes)
            await self._blobs.put(key, item.payload if whole else body.pieces(item.start, item.end))


async def _sha1(draft: AttachmentDraft, body: PayloadSource) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    item = draft.item
    if len(item) <= HASH_INLINE_BYTES_MAX:
        digest.update(item.payload)
    else:
        async for piece in body.pieces(item.start, item.end):
            await asyncio.to_thread(digest.update, piece)
    return digest.hexdigest()
