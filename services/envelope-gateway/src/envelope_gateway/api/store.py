"""`/api/{project}/store/` and `/api/store/`: events of old clients (reference: ingestion-protocol 2.3)."""

from typing import Any
from urllib.parse import parse_qs

from hearback_kit.ids import random_id

from envelope_gateway.api.answers import Receive, Send, send_accepted, send_pixel
from envelope_gateway.api.bodies import Bodies
from envelope_gateway.api.body import MemoryBody
from envelope_gateway.api.encodings import encoding_of
from envelope_gateway.api.envelopes import EnvelopeEndpoint
from envelope_gateway.api.intake import Intake
from envelope_gateway.api.requests import Request, Requests
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.refusals import MISSING_AUTH
from envelope_gateway.domain.store_body import PIXEL, read_store_body, unpack

ENVELOPE_CONTENT_TYPE = b"application/x-sentry-envelope"


class StoreEndpoint:
    """Takes one event per request, as a body or in the query of an image's address."""

    def __init__(
        self,
        requests: Requests,
        bodies: Bodies,
        intake: Intake,
        envelopes: EnvelopeEndpoint,
        bytes_max: int,
    ) -> None:
        self._requests = requests
        self._bodies = bodies
        self._intake = intake
        self._envelopes = envelopes
        self._bytes_max = bytes_max

    async def __call__(self, scope: Any, receive: Receive, send: Send, project: str | None = None) -> int:
        """Answer one request; returns the status. Raises `Refused`."""
        request = self._requests.read(scope, project)
        request.required_authentication(MISSING_AUTH)
        if request.method == "GET":
            data = parse_qs(request.query.decode("latin-1")).get("sentry_data", [""])[0]
            await self._take(request, data.replace(" ", "+").encode("latin-1", "replace"))
            await send_pixel(send, PIXEL)
            return 200
        headers = request.headers
        encoding = encoding_of(headers.get(b"content-encoding"))
        body = await self._bodies.read(receive, headers.get(b"content-length"), encoding, self._bytes_max)
        try:
            if headers.get(b"content-type") == ENVELOPE_CONTENT_TYPE:
                event_id = await self._envelopes.take(request, body)
            else:
                event_id = await self._take(request, body.view[0 : len(body.view)])
        finally:
            body.close()
        await send_accepted(send, event_id)
        return 200

    async def _take(self, request: Request, raw: bytes) -> str | None:
        auth = request.required_authentication(MISSING_AUTH)
        client = auth.client or request.headers.get(b"user-agent", b"").decode("latin-1")
        payload = unpack(raw, self._bytes_max)
        item_type, event_id, payload = read_store_body(payload, client)
        headers = EnvelopeHeaders(event_id=event_id or random_id())
        item = Item(item_type, {}, payload, 0, len(payload))
        envelope = Envelope(headers, [item])
        return await self._intake.take(request, auth, request.project_id, envelope, MemoryBody(payload))
