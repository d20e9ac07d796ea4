"""`POST /api/{project}/events/{event_id}/attachments/`: files for an event (reference: ingestion-protocol 2.1)."""

from typing import Any

from hearback_contracts.identifiers import parse_event_id

from envelope_gateway.api.answers import Receive, Send, send_body
from envelope_gateway.api.bodies import Bodies
from envelope_gateway.api.body import Body
from envelope_gateway.api.encodings import encoding_of
from envelope_gateway.api.intake import Intake
from envelope_gateway.api.requests import Requests
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.items import ATTACHMENT_TYPES
from envelope_gateway.domain.multipart import FilePart, boundary_of, find_files
from envelope_gateway.domain.refusals import (
    CONTENT_TOO_LARGE,
    INVALID_MULTIPART,
    MISSING_AUTH,
    Refused,
)
from envelope_gateway.domain.sizes import Limits

FRAMING_BYTES_MAX = 1024 * 1024


class AttachmentEndpoint:
    """Takes the files of a multipart form as attachments of one event."""

    def __init__(self, requests: Requests, bodies: Bodies, intake: Intake, limits: Limits) -> None:
        self._requests = requests
        self._bodies = bodies
        self._intake = intake
        self._limits = limits

    async def __call__(self, scope: Any, receive: Receive, send: Send, project: str, event_id: str) -> int:
        """Answer one request; returns the status. Raises `Refused`."""
        request = self._requests.read(scope, project)
        auth = request.required_authentication(MISSING_AUTH)
        headers = request.headers
        identity = parse_event_id(event_id)
        if identity is None:
            raise Refused(400, "invalid event id")
        boundary = boundary_of(headers.get(b"content-type"))
        encoding = encoding_of(headers.get(b"content-encoding"))
        bytes_max = self._limits.attachments_bytes_max + FRAMING_BYTES_MAX
        try:
            body = await self._bodies.read(receive, headers.get(b"content-length"), encoding, bytes_max)
        except Refused as refused:
            raise Refused(413, CONTENT_TOO_LARGE) if refused.status == 413 else refused from refused
        try:
            files = await body.parsed(lambda view: find_files(view, boundary))
            items = self._items(body, files)
            envelope = Envelope(EnvelopeHeaders(event_id=identity), items)
            await self._intake.take(request, auth, request.project_id, envelope, body)
        finally:
            body.close()
        await send_body(send, 201)
        return 201

    def _items(self, body: Body, files: list[FilePart]) -> list[Item]:
        if sum(file.end - file.start for file in files) > self._limits.attachments_bytes_max:
            raise Refused(413, CONTENT_TOO_LARGE)
        for file in files:
            if file.end - file.start > self._limits.attachment_bytes_max:
                raise Refused(400, INVALID_MULTIPART, ("field size exceeds the limit of an attachment",))
        return [_item(file, body) for file in files]


def _item(file: FilePart, body: Body) -> Item:
    headers = {"type": "attachment", "filename": file.filename, "content_type": file.content_type}
    if file.name in ATTACHMENT_TYPES:
        headers["attachment_type"] = file.name
    return Item("attachment", headers, body.view, file.start, file.end)
