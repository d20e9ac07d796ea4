"""Endpoints whose data Hearback does not store: answer as the protocol says, and record a discard."""

from hearback_kit.values.ids import random_id

from envelope_gateway.api.bodies.endpoints import BodyEndpoint
from envelope_gateway.api.routing import IngestCall
from envelope_gateway.api.serializers import send_body
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.envelope import empty_items
from envelope_gateway.domain.refusals import rejected


class DiscardEndpoint(BodyEndpoint):
    """Reads and discards a request's body, and records the discard."""

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        rule = call.endpoint.discard
        assert rule is not None, "the table has a rule for what is not stored"
        head = self._requests.read(call.scope, call.project, call.path_key)
        sender = head.required_authentication()
        await self._bodies.drain(head, call.receive, rule.bytes_max)
        discarded = empty_items(rule.item_type, random_id())
        await self._acceptor.discard(Submission(head, sender, head.project_id, discarded))
        if rule.feature is not None:
            raise rejected(rule.feature)
        operation = call.endpoint.operations[0]
        await send_body(call.send, operation.status)
        return operation.status
