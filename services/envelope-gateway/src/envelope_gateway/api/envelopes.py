"""`POST /api/{project}/envelope/`: the hot path (reference: ingestion-protocol 1, 2)."""

from typing import Any

from envelope_gateway.api.answers import Receive, Send, send_accepted
from envelope_gateway.api.bodies import Bodies
from envelope_gateway.api.body import Body
from envelope_gateway.api.encodings import encoding_of
from envelope_gateway.api.intake import Intake
from envelope_gateway.api.requests import Request, Requests
from envelope_gateway.domain.authentication import Authentication
from envelope_gateway.domain.envelope import Envelope, first_line_headers, parse_envelope
from envelope_gateway.domain.items import is_internal
from envelope_gateway.domain.refusals import (
    BAD_ENVELOPE_AUTH,
    EMPTY_BODY,
    INTERNAL_ITEMS,
    Refused,
    invalid_envelope,
)


class EnvelopeEndpoint:
    """Reads, parses and takes one envelope per request."""

    def __init__(self, requests: Requests, bodies: Bodies, intake: Intake, bytes_max: int) -> None:
        self._requests = requests
        self._bodies = bodies
        self._intake = intake
        self._bytes_max = bytes_max

    async def __call__(self, scope: Any, receive: Receive, send: Send, project: str) -> int:
        """Answer one request; returns the status. Raises `Refused`."""
        request = self._requests.read(scope, project)
        headers = request.headers
        encoding = encoding_of(headers.get(b"content-encoding"))
        body = await self._bodies.read(receive, headers.get(b"content-length"), encoding, self._bytes_max)
        try:
            event_id = await self.take(request, body)
        finally:
            body.close()
        await send_accepted(send, event_id)
        return 200

    async def take(self, request: Request, body: Body) -> str | None:
        """Take the envelope in a body; returns its event id."""
        auth, project_id = request.authentication, request.project_id
        if auth is None:
            auth, project_id = _authenticate_by_dsn(body)
        if not len(body.view):
            raise Refused(400, EMPTY_BODY)
        envelope = await body.parsed(parse_envelope)
        check_against_request(envelope, request, auth, project_id)
        if any(map(is_internal, envelope.items)):
            raise Refused(400, INTERNAL_ITEMS)
        return await self._intake.take(request, auth, project_id, envelope, body)


def _authenticate_by_dsn(body: Body) -> tuple[Authentication, int]:
    """Authentication by the envelope's own DSN, whose project counts instead of the path's."""
    try:
        dsn = first_line_headers(body.view).dsn
        if dsn is None:
            raise ValueError("missing field `dsn` at line 1 column 0")
    except ValueError as error:
        raise Refused(401, BAD_ENVELOPE_AUTH, (str(error),)) from error
    return Authentication(dsn.public_key), dsn.project_id


def check_against_request(
    envelope: Envelope, request: Request, auth: Authentication, project_id: int | None
) -> None:
    """An envelope that names its sender must name the one who authenticated (reference: 1.3)."""
    headers = envelope.headers
    if headers.origin is not None and headers.origin.rstrip("/") != (request.origin or "").rstrip("/"):
        raise invalid_envelope("origin header mismatch between envelope and request")
    dsn = headers.dsn
    if dsn is None:
        return
    if project_id is not None and dsn.project_id != project_id:
        raise invalid_envelope("project id header mismatch between envelope and request")
    if dsn.public_key != auth.public_key:
        raise invalid_envelope("public key header mismatch between envelope and request")
