"""Base classes of endpoints that read and accept a body."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hearback_contracts.reasons import Reason
from hearback_kit.values.ids import random_id

from envelope_gateway.api.bodies.reader import BodyReader
from envelope_gateway.api.params import RequestReader
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.refusals import Refused, reason_of
from envelope_gateway.domain.request_head import RequestHead
from envelope_gateway.service.accept_envelope import EnvelopeAcceptor


class BodyEndpoint:
    """An endpoint that reads a request's head, then its body, and accepts its content."""

    def __init__(self, requests: RequestReader, bodies: BodyReader, acceptor: EnvelopeAcceptor) -> None:
        self._requests = requests
        self._bodies = bodies
        self._acceptor = acceptor

    @asynccontextmanager
    async def _recording(
        self, head: RequestHead, item_type: str, too_large: Reason, event_id: str | None = None
    ) -> AsyncIterator[None]:
        """Record a lost item of this type if the block refuses the body.

        Raise the block's `Refused`, or one with 503 if recording fails.
        """
        try:
            yield
        except Refused as refused:
            reason = reason_of(refused, too_large)
            if reason is not None and head.authentication is not None:
                lost = Envelope(
                    EnvelopeHeaders(event_id=event_id or random_id()), [Item(item_type, {}, b"", 0, 0)]
                )
                await self._acceptor.lose(Submission(head, head.authentication, head.project_id, lost), reason)
            raise


class LimitedBodyEndpoint(BodyEndpoint):
    """An endpoint with bodies of at most `bytes_max` bytes."""

    def __init__(
        self, requests: RequestReader, bodies: BodyReader, acceptor: EnvelopeAcceptor, bytes_max: int
    ) -> None:
        super().__init__(requests, bodies, acceptor)
        self._bytes_max = bytes_max
