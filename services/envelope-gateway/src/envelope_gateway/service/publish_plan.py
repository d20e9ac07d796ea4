"""Publish a plan: attachments to the blob store, then messages, outcomes and steps in one transaction."""

from collections.abc import Sequence

from hearback_contracts.streams import ATTACHMENT_STORED, OUTCOME_RECORDED
from hearback_kit.bus import Outgoing
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.group_commit import Done, GroupCommit
from hearback_kit.errors import Unavailable

from envelope_gateway.domain.plan import OutcomeNote, Plan
from envelope_gateway.domain.refusals import Refused, unavailable
from envelope_gateway.metrics import COMMIT_REFUSALS
from envelope_gateway.service.batch_outcomes import StreamKeys, trace_of
from envelope_gateway.service.upload_attachments import AttachmentUploader, PayloadSource


class PlanPublisher:
    """Publishes plans atomically; `groups` has the group commit of each shard."""

    def __init__(
        self,
        keys: StreamKeys,
        groups: Sequence[GroupCommit[OutcomeNote]],
        bounds: StreamBounds,
        uploader: AttachmentUploader,
    ) -> None:
        self._keys = keys
        self._groups = groups
        self._bounds = bounds
        self._uploader = uploader

    async def publish(self, plan: Plan, body: PayloadSource | None = None, traceparent: str | None = None) -> None:
        """Return once everything is durable. Raise `Refused` (503) if nothing was published.

        If the answer to a commit was lost, a 503 may also mean "published"; sending again does no harm.
        """
        shard = self._keys.shard(plan.context.project.id)
        self._check_bounds(plan, shard)
        try:
            if plan.attachments:
                assert body is not None, "attachments lie in a body"
                await self._publish_with_attachments(plan, body, shard, traceparent)
            else:
                await self._groups[shard].commit(self._outgoing(plan, shard, traceparent), plan.notes)
        except Unavailable as error:
            raise self.refusal(error) from error

    def submit(self, plan: Plan, traceparent: str | None, done: Done) -> None:
        """Publish a plan without attachments; call `done` once it is durable, or with the error for `refusal`.

        Raise `Refused` (503), without calling `done`, if nothing can be published now.
        """
        shard = self._keys.shard(plan.context.project.id)
        self._check_bounds(plan, shard)
        try:
            self._groups[shard].submit(self._outgoing(plan, shard, traceparent), plan.notes, done)
        except Unavailable as error:
            raise self.refusal(error) from error

    def rest(self, read_at: float, now: float) -> float:
        """Return the seconds until requests that arrive after `read_at` must be read: a commit is filling."""
        return min(group.rest(read_at, now) for group in self._groups)

    def refusal(self, error: Unavailable) -> Refused:
        """Count and return the 503 for a failed commit."""
        COMMIT_REFUSALS.labels("unavailable").inc()
        return unavailable(error.detail)

    async def _publish_with_attachments(
        self, plan: Plan, body: PayloadSource, shard: int, traceparent: str | None
    ) -> None:
        """Upload first, so that a message never refers to missing bytes."""
        async with self._uploader.request() as upload:
            await upload.store_all(plan, body)
            upload.announce()
            await self._groups[shard].commit(self._outgoing(plan, shard, traceparent), plan.notes)

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
            raise unavailable("envelope buffer does not have capacity")

    def _outgoing(self, plan: Plan, shard: int, traceparent: str | None) -> list[Outgoing]:
        messages = []
        for message in plan.messages:
            name = message.stream.name
            trace = traceparent or trace_of(message.id)
            messages.append(Outgoing(self._keys.of(name, shard), name, message.data, message.body, trace))
        return messages
