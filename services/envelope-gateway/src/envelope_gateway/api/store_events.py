"""`/api/{project_id}/store/` and `/api/store/`: events of legacy clients (protocol: http#store-requests)."""

from hearback_contracts.reasons import Reason
from hearback_kit.values.ids import random_id

from envelope_gateway.api.bodies.endpoints import LimitedBodyEndpoint
from envelope_gateway.api.bodies.memory import MemoryBody
from envelope_gateway.api.bodies.reader import BodyReader
from envelope_gateway.api.envelopes import EnvelopeEndpoint
from envelope_gateway.api.params import RequestReader
from envelope_gateway.api.routing import IngestCall
from envelope_gateway.api.serializers import send_accepted, send_pixel
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.refusals import MISSING_AUTH
from envelope_gateway.domain.request_head import RequestHead
from envelope_gateway.domain.store_body import PIXEL, read_pixel_data, read_store_body, unpack
from envelope_gateway.service.accept_envelope import EnvelopeAcceptor

ENVELOPE_CONTENT_TYPE = b"application/x-sentry-envelope"


class StoreEndpoint(LimitedBodyEndpoint):
    """Accepts one event per request, in the body or in the query string of a GET."""

    def __init__(
        self,
        requests: RequestReader,
        bodies: BodyReader,
        acceptor: EnvelopeAcceptor,
        envelopes: EnvelopeEndpoint,
        bytes_max: int,
    ) -> None:
        super().__init__(requests, bodies, acceptor, bytes_max)
        self._envelopes = envelopes

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        head = self._requests.read(call.scope, call.project)
        head.required_authentication(MISSING_AUTH)
        if head.method == "GET":
            await self._accept(head, read_pixel_data(head.query))
            await send_pixel(call.send, PIXEL)
            return 200
        async with self._recording(head, "event", Reason.TOO_LARGE_EVENT):
            body = await self._bodies.read(head, call.receive, self._bytes_max)
        try:
            if head.headers.get(b"content-type") == ENVELOPE_CONTENT_TYPE:
                event_id = await self._envelopes.accept(head, body)
            else:
                event_id = await self._accept(head, body.view[0 : len(body.view)])
        finally:
            body.close()
        await send_accepted(call.send, event_id)
        return 200

    async def _accept(self, head: RequestHead, raw: bytes) -> str | None:
        sender = head.required_authentication(MISSING_AUTH)
        client = sender.client or head.headers.get(b"user-agent", b"").decode("latin-1")
        async with self._recording(head, "event", Reason.TOO_LARGE_EVENT):
            item_type, event_id, payload = read_store_body(unpack(raw, self._bytes_max), client)
        item = Item(item_type, {}, payload, 0, len(payload))
        envelope = Envelope(EnvelopeHeaders(event_id=event_id or random_id()), [item])
        submission = Submission(head, sender, head.project_id, envelope)
        return await self._acceptor.accept(submission, MemoryBody(payload))
