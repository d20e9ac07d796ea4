"""`POST /api/{project_id}/envelope/`: the slow path, for envelopes that `fast_path` does not handle."""

from contextlib import closing

from envelope_gateway.api.bodies.endpoints import BodyEndpoint
from envelope_gateway.api.bodies.memory import Body
from envelope_gateway.api.bodies.reader import authenticate_by_dsn
from envelope_gateway.api.routing import IngestCall
from envelope_gateway.api.serializers import send_accepted
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.envelope import InvalidEnvelope, parse_envelope
from envelope_gateway.domain.refusals import EMPTY_BODY, Refused
from envelope_gateway.domain.request_head import RequestHead


class EnvelopeEndpoint(BodyEndpoint):
    """Reads, parses and accepts one envelope per request."""

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        head = self._requests.read(call.scope, call.project)
        body = await self._bodies.read(head, call.receive, self._settings.envelope_bytes_max)
        with closing(body):
            event_id = await self._accept_envelope(head, body)
        await send_accepted(call.send, event_id)
        return 200

    async def _accept_envelope(self, head: RequestHead, body: Body) -> str | None:
        """Accept the envelope in a body; return its event id."""
        sender, project_id = head.authentication, head.project_id
        if sender is None:
            sender, project_id = authenticate_by_dsn(body.view)
        if not len(body.view):
            raise Refused(400, EMPTY_BODY)
        try:
            envelope = await body.parsed(parse_envelope)
        except InvalidEnvelope as invalid:
            await self._acceptor.lose(Submission(head, sender, project_id, invalid.parsed))
            raise
        return await self._acceptor.accept(Submission(head, sender, project_id, envelope), body)
