"""`/api/{project_id}/store/` and `/api/store/`: events of legacy clients (protocol: http#store-requests)."""

from contextlib import closing

from hearback_contracts.reasons import Reason
from hearback_kit.values.ids import random_id

from envelope_gateway.api.bodies.memory import MemoryBody
from envelope_gateway.api.envelopes import EnvelopeEndpoint
from envelope_gateway.api.routing import IngestCall
from envelope_gateway.api.serializers import GIF, send_accepted, send_body
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.authentication import Authentication
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.request_head import RequestHead
from envelope_gateway.domain.store_body import PIXEL, read_pixel_data, read_store_body, unpack

ENVELOPE_CONTENT_TYPE = b"application/x-sentry-envelope"


class StoreEndpoint(EnvelopeEndpoint):
    """Accepts one event per request, in the body or in the query string of a GET; also an envelope."""

    lost_type = "event"
    too_large = Reason.TOO_LARGE_EVENT

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        head = self._requests.read(call.scope, call.project)
        sender = head.required_authentication()
        if head.method == "GET":
            await self._accept_event(head, sender, read_pixel_data(head.query))
            await send_body(call.send, 200, PIXEL, GIF)
            return 200
        async with self._recording(head):
            body = await self._bodies.read(head, call.receive, self._settings.event_bytes_max)
        with closing(body):
            if head.headers.get(b"content-type") == ENVELOPE_CONTENT_TYPE:
                event_id = await self._accept_envelope(head, body)
            else:
                event_id = await self._accept_event(head, sender, body.view[0 : len(body.view)])
        await send_accepted(call.send, event_id)
        return 200

    async def _accept_event(self, head: RequestHead, sender: Authentication, raw: bytes) -> str | None:
        client = sender.client or head.headers.get(b"user-agent", b"").decode("latin-1")
        async with self._recording(head):
            item_type, event_id, payload = read_store_body(unpack(raw, self._settings.event_bytes_max), client)
        item = Item(item_type, {}, payload, 0, len(payload))
        envelope = Envelope(EnvelopeHeaders(event_id=event_id or random_id()), [item])
        submission = Submission(head, sender, head.project_id, envelope)
        return await self._acceptor.accept(submission, MemoryBody(payload))
