"""The base of endpoints that read a body and accept or discard its content."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hearback_contracts.reasons import Reason
from hearback_kit.values.ids import random_id

from envelope_gateway.api.bodies.reader import BodyReader
from envelope_gateway.api.params import RequestReader
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.envelope import empty_items
from envelope_gateway.domain.refusals import Refused, reason_of
from envelope_gateway.domain.request_head import RequestHead
from envelope_gateway.service.accept_envelope import EnvelopeAcceptor
from envelope_gateway.settings import Settings


class BodyEndpoint:
    """An endpoint that reads a request's head, then its body, and accepts its content.

    `lost_type` is the type of the item that is recorded as lost when a body is refused, and `too_large` the
    reason if it exceeds a limit.
    """

    lost_type: str
    too_large: Reason

    def __init__(
        self, requests: RequestReader, bodies: BodyReader, acceptor: EnvelopeAcceptor, settings: Settings
    ) -> None:
        self._requests = requests
        self._bodies = bodies
        self._acceptor = acceptor
        self._settings = settings

    @asynccontextmanager
    async def _recording(self, head: RequestHead, event_id: str | None = None) -> AsyncIterator[None]:
        """Record a lost item if the block refuses the body.

        Raise the block's `Refused`, or one with 503 if recording fails.
        """
        try:
            yield
        except Refused as refused:
            reason = reason_of(refused, self.too_large)
            if reason is not None and head.authentication is not None:
                lost = empty_items(self.lost_type, event_id or random_id())
                await self._acceptor.lose(Submission(head, head.authentication, head.project_id, lost), reason)
            raise
