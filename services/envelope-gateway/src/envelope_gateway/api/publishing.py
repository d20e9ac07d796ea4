"""Making a plan durable: attachments to the blob store, then messages and notes in one transaction."""

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec
from hearback_contracts.streams import ATTACHMENT_STORED, OUTCOME_RECORDED, STREAMS, shard_of
from hearback_kit.blobs import BlobStore
from hearback_kit.bus import Outgoing
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.group_commit import Done, GroupCommit
from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.ids import derived_id, new_id

from envelope_gateway.api.body import Body
from envelope_gateway.api.uploads import Upload, Uploads
from envelope_gateway.domain.messages import AttachmentStored, OutcomeCount, OutcomeRecorded, SubmissionStep
from envelope_gateway.domain.plan import AttachmentDraft, Note, Plan
from envelope_gateway.domain.refusals import Refused, unavailable
from envelope_gateway.metrics import COMMIT_REFUSALS

HASH_INLINE_BYTES_MAX = 256 * 1024
SERVICE = "envelope-gateway"


class StreamKeys:
    """The keys of every stream by shard, made once."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._shard_by_project: dict[int, int] = {}
        self._keys = {stream.name: stream.shard_keys(shards) for stream in STREAMS}

    def shard(self, project_id: int) -> int:
        """The shard of a project that exists, worked out once for each."""
        shard = self._shard_by_project.get(project_id)
        if shard is None:
            shard = self._shard_by_project[project_id] = shard_of(project_id, self._shards)
        return shard

    def of(self, stream: str, shard: int) -> str:
        """The key of a stream's shard."""
        return self._keys[stream][shard]


class Summary:
    """Turns the notes of one group commit into as few messages as it takes."""

    def __init__(self, keys: StreamKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, notes: list[Note]) -> Sequence[Outgoing]:
        """One `outcome.recorded` per shard; equal outcomes are added up."""
        counts: dict[int, dict[tuple[object, ...], OutcomeCount]] = defaultdict(dict)
        steps: dict[int, list[SubmissionStep]] = defaultdict(list)
        for note in notes:
            shard = self._keys.shard(note.project_id)
            if isinstance(note, SubmissionStep):
                steps[shard].append(note)
                continue
            key = (note.project_id, note.key_id, note.category, note.outcome, note.reason, note.sdk)
            known = counts[shard].get((*key, note.timestamp))
            counts[shard][*key, note.timestamp] = note if known is None else _sum(known, note)
        return [
            self._message(shard, list(counts[shard].values()), steps[shard]) for shard in sorted({*counts, *steps})
        ]

    def _message(self, shard: int, outcomes: list[OutcomeCount], steps: list[SubmissionStep]) -> Outgoing:
        identity = new_id()
        message = OutcomeRecorded(
            id=identity,
            occurred_at=self._clock.now(),
            project_id=(outcomes or steps)[0].project_id,
            service=SERVICE,
            outcomes=outcomes,
            steps=steps,
        )
        name = OUTCOME_RECORDED.name
        return Outgoing(self._keys.of(name, shard), name, self._encode(message), None, trace_of(identity))


def _sum(known: OutcomeCount, more: OutcomeCount) -> OutcomeCount:
    return msgspec.structs.replace(known, quantity=known.quantity + more.quantity, times=known.times + more.times)


def trace_of(message_id: str) -> str:
    """A traceparent that starts with a message: ids are unique already, so no further ones are drawn."""
    return f"00-{message_id}-{message_id[16:]}-01"


class Publisher:
    """Keeps all of a plan or nothing of it."""

    def __init__(
        self,
        keys: StreamKeys,
        group: GroupCommit[Note],
        bounds: StreamBounds,
        blobs: BlobStore,
        *,
        retry_after_seconds: int,
        uploads_max: int,
        upload_requests_max: int,
    ) -> None:
        self._keys = keys
        self._group = group
        self._bounds = bounds
        self._retry_after_seconds = retry_after_seconds
        self._uploads = Uploads(blobs, at_once_max=uploads_max, requests_max=upload_requests_max)

    async def keep(self, plan: Plan, body: Body | None = None, traceparent: str | None = None) -> None:
        """Return when everything is durable; raises `Refused` (503) when nothing was kept."""
        shard = self._keys.shard(plan.scope.project.id)
        self._check_bounds(plan, shard)
        try:
            if plan.attachments:
                assert body is not None, "attachments lie in a body"
                await self._keep_with_bytes(plan, body, shard, traceparent)
            else:
                await self._group.commit(self._outgoing(plan, shard, traceparent), plan.notes)
        except Unavailable as error:
            raise self.refusal(error) from error

    def submit(self, plan: Plan, traceparent: str | None, done: Done) -> None:
        """Call `done` when a plan without attachments is durable, or with what to make a `refusal` of.

        Raises `Refused` (503), and never calls it, when nothing can be kept at the moment.
        """
        shard = self._keys.shard(plan.scope.project.id)
        self._check_bounds(plan, shard)
        try:
            self._group.submit(self._outgoing(plan, shard, traceparent), plan.notes, done)
        except Unavailable as error:
            raise self.refusal(error) from error

    def refusal(self, error: Unavailable) -> Refused:
        """What is told when nothing could be kept."""
        COMMIT_REFUSALS.labels("unavailable").inc()
        return unavailable(error.detail, self._retry_after_seconds)

    async def _keep_with_bytes(self, plan: Plan, body: Body, shard: int, traceparent: str | None) -> None:
        """Bytes first: a message never names what is not there."""
        async with self._uploads.request() as upload:
            await self._store_attachments(plan, body, upload)
            upload.announce()
            await self._group.commit(self._outgoing(plan, shard, traceparent), plan.notes)

    def _check_bounds(self, plan: Plan, shard: int) -> None:
        if not self._bounds.any_full:
            return
        names = {message.stream.name for message in plan.messages}
        if plan.notes:
            names.add(OUTCOME_RECORDED.name)
        if plan.attachments:
            names.add(ATTACHMENT_STORED.name)
        if any(self._bounds.is_full(self._keys.of(name, shard)) for name in names):
            COMMIT_REFUSALS.labels("full").inc()
            raise unavailable("envelope buffer does not have capacity", self._retry_after_seconds)

    def _outgoing(self, plan: Plan, shard: int, traceparent: str | None) -> list[Outgoing]:
        messages = []
        for message in plan.messages:
            name = message.stream.name
            trace = traceparent or trace_of(message.id)
            messages.append(Outgoing(self._keys.of(name, shard), name, message.data, message.body, trace))
        return messages

    async def _store_attachments(self, plan: Plan, body: Body, upload: Upload) -> None:
        scope = plan.scope
        seen: Counter[tuple[str, str]] = Counter()
        for draft in plan.attachments:
            sha1 = await _sha1(draft, body)
            same = (draft.name, sha1)
            seen[same] += 1
            attachment_id = derived_id("attachment", scope.project.id, draft.event_id, *same, seen[same])
            key = f"{scope.project.id}/{draft.event_id}/{attachment_id}/{scope.new_id()}"
            await upload.put(key, draft, body)
            message = AttachmentStored(
                attachment_id=attachment_id,
                event_id=draft.event_id,
                name=draft.name,
                content_type=draft.content_type,
                attachment_type=draft.attachment_type,
                size=len(draft.item),
                sha1=sha1,
                blob_key=key,
                **scope.common(),
            )
            plan.publish(ATTACHMENT_STORED, message)


async def _sha1(draft: AttachmentDraft, body: Body) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    item = draft.item
    if len(item) <= HASH_INLINE_BYTES_MAX:
        digest.update(item.payload)
    else:
        async for piece in body.pieces(item.start, item.end):
            await asyncio.to_thread(digest.update, piece)
    return digest.hexdigest()
