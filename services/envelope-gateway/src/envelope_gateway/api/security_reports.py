"""`/api/{project_id}/security/` and `/csp-report/`: browser reports, counted but not stored."""

from contextlib import closing

import orjson
from hearback_contracts.reasons import Reason
from hearback_kit.values.ids import random_id

from envelope_gateway.api.bodies.endpoints import BodyEndpoint
from envelope_gateway.api.routing import IngestCall
from envelope_gateway.api.serializers import send_body
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.envelope import ITEMS_MAX, empty_items
from envelope_gateway.domain.refusals import (
    CONTENT_TOO_LARGE,
    EMPTY_BODY,
    INVALID_CONTENT_TYPE,
    INVALID_JSON,
    Refused,
)
from envelope_gateway.domain.request_head import RequestHead

CONTENT_TYPES = frozenset({b"application/json", b"application/csp-report", b"application/reports+json"})


class SecurityReportEndpoint(BodyEndpoint):
    """Counts a browser report, or each report of an array."""

    lost_type = "security"
    too_large = Reason.TOO_LARGE_SECURITY

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        rule = call.endpoint.discard
        assert rule is not None, "the table has a rule for what is not stored"
        head = self._requests.read(call.scope, call.project)
        sender = head.required_authentication()
        async with self._recording(head):
            _check_content_type(head)
            with closing(await self._bodies.read(head, call.receive, rule.bytes_max)) as body:
                count = count_reports(body.view[0 : len(body.view)])
        discarded = empty_items(self.lost_type, random_id(), count)
        await self._acceptor.discard(Submission(head, sender, head.project_id, discarded))
        await send_body(call.send, 200)
        return 200


def _check_content_type(head: RequestHead) -> None:
    kind = head.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if b"/" not in kind:
        raise Refused(400, INVALID_CONTENT_TYPE, plain=True)
    if kind not in CONTENT_TYPES:
        raise Refused(415)


def count_reports(raw: bytes) -> int:
    """Return the number of reports in a body. Raise `Refused` (400, 413)."""
    if not raw:
        raise Refused(400, EMPTY_BODY)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"{INVALID_JSON}: JSONDecodeError", (str(error),)) from error
    count = len(value) if isinstance(value, list) else 1
    if count > ITEMS_MAX:
        raise Refused(413, CONTENT_TOO_LARGE)
    return count
