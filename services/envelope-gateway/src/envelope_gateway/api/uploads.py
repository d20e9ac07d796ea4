"""Bytes of attachments on their way to the blob store: put once, taken back only when nobody needs them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hearback_kit.blobs import BlobStore
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger

from envelope_gateway.api.bodies import Body
from envelope_gateway.domain.plan import AttachmentDraft

_log = get_logger(__name__)


class Upload:
    """The bytes that one request brought."""

    def __init__(self, uploads: "Uploads") -> None:
        self._uploads = uploads
        self.held: list[str] = []
        self.stored: list[str] = []

    async def put(self, key: str, draft: AttachmentDraft, body: Body) -> None:
        """Store the bytes under a key derived from them: sent again, they land in the same place."""
        await self._uploads.put(self, key, draft, body)

    async def take_back(self) -> None:
        """Delete what this request stored, but for what another request relies on."""
        await self._uploads.take_back(self)


class Uploads:
    """Shares the blob store among requests.

    Equal bytes for one event have one key, so a request that failed must not delete what the same
    request, sent again, has found there.
    """

    def __init__(self, blobs: BlobStore, at_once_max: int) -> None:
        self._blobs = blobs
        self._slots = asyncio.Semaphore(at_once_max)
        self._holders: Counter[str] = Counter()
        self._deleting = asyncio.Lock()

    @asynccontextmanager
    async def upload(self) -> AsyncIterator[Upload]:
        """What a request stores; its keys are held while the block runs."""
        upload = Upload(self)
        try:
            yield upload
        finally:
            self._holders.subtract(upload.held)
            for key in set(upload.held):
                if self._holders[key] <= 0:
                    del self._holders[key]

    async def put(self, upload: Upload, key: str, draft: AttachmentDraft, body: Body) -> None:
        """See `Upload.put`."""
        item = draft.item
        async with self._slots:
            async with self._deleting:
                upload.held.append(key)
                self._holders[key] += 1
            if await self._blobs.exists(key):
                return
            upload.stored.append(key)
            if isinstance(item.body, bytes):
                await self._blobs.put(key, item.payload)
            else:
                await self._blobs.put(key, body.pieces(item.start, item.end))

    async def take_back(self, upload: Upload) -> None:
        """See `Upload.take_back`."""
        if not upload.stored:
            return
        async with self._deleting:
            keys = [key for key in upload.stored if self._holders[key] == upload.held.count(key)]
            try:
                await self._blobs.delete(keys)
            except Unavailable:
                _log.warning("blobs_left_behind", count=len(keys))
