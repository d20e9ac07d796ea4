"""`POST /api/{project_id}/events/{event_id}/attachments/`: files for an event (protocol: items#attachments)."""

from contextlib import closing

from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.reasons import Reason

from envelope_gateway.api.bodies.endpoints import BodyEndpoint
from envelope_gateway.api.bodies.memory import Body
from envelope_gateway.api.routing import IngestCall
from envelope_gateway.api.serializers import Receive, send_body
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.crash_upload import file_item
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.multipart import boundary_of, find_parts
from envelope_gateway.domain.refusals import (
    CONTENT_TOO_LARGE,
    FILE_TOO_LARGE,
    INVALID_EVENT_ID,
    INVALID_MULTIPART,
    Refused,
)
from envelope_gateway.domain.request_head import RequestHead


class AttachmentEndpoint(BodyEndpoint):
    """Accepts the files of a multipart form as attachments of one event."""

    lost_type = "attachment"
    too_large = Reason.TOO_LARGE_ATTACHMENT

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        head = self._requests.read(call.scope, call.project)
        sender = head.required_authentication()
        event_id = parse_event_id(call.parameters["event_id"])
        async with self._recording(head, event_id):
            if event_id is None:
                raise Refused(400, INVALID_EVENT_ID)
            body = await self._read(head, call.receive)
        with closing(body):
            async with self._recording(head, event_id):
                items = await self._items(head, body)
            envelope = Envelope(EnvelopeHeaders(event_id=event_id), items)
            await self._acceptor.accept(Submission(head, sender, head.project_id, envelope), body)
        await send_body(call.send, 201)
        return 201

    async def _read(self, head: RequestHead, receive: Receive) -> Body:
        try:
            return await self._bodies.read(head, receive, self._settings.upload_bytes_max)
        except Refused as refused:
            raise Refused(413, CONTENT_TOO_LARGE) if refused.status == 413 else refused from refused

    async def _items(self, head: RequestHead, body: Body) -> list[Item]:
        """Return the files of the form as items. Raise `Refused`."""
        boundary = boundary_of(head.headers.get(b"content-type"))
        parts = await body.parsed(lambda view: find_parts(view, boundary))
        files = [part for part in parts if part.filename is not None]
        if sum(file.end - file.start for file in files) > self._settings.attachments_bytes_max:
            raise Refused(413, CONTENT_TOO_LARGE)
        for file in files:
            if file.end - file.start > self._settings.attachment_bytes_max:
                raise Refused(400, INVALID_MULTIPART, (FILE_TOO_LARGE,))
        return [file_item(file, body.view) for file in files]
