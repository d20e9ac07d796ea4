"""Endpoints whose data Hearback does not store: a clean answer and a recorded discard (reference: 2.1)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from hearback_kit.ids import random_id

from envelope_gateway.api.answers import Receive, Send, send_body, send_text
from envelope_gateway.api.bodies import Bodies, ClientGone, too_long
from envelope_gateway.api.encodings import encoding_of
from envelope_gateway.api.intake import Intake
from envelope_gateway.api.requests import Request, Requests
from envelope_gateway.domain.envelope import ITEMS_MAX, Envelope, Item
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.refusals import CONTENT_TOO_LARGE, EMPTY_BODY, MISSING_AUTH, Refused, rejected
from envelope_gateway.domain.sizes import MIB

_REPORT_TYPES = frozenset({b"application/json", b"application/csp-report", b"application/reports+json"})


@dataclass(frozen=True, slots=True)
class Discard:
    """An endpoint: the item type its data counts as, its body limit in bytes, and how success looks."""

    item_type: str
    bytes_max: int
    status: int = 200
    answers_id: bool = False
    feature: str | None = None


DISCARDS = {
    "nel": Discard("nel", 12 * MIB),
    "minidump": Discard("unreal_report", 1224 * MIB, answers_id=True),
    "unreal": Discard("unreal_report", 200 * MIB, answers_id=True),
    "cron": Discard("check_in", MIB, status=202),
    "otlp_logs": Discard("log", 12 * MIB),
    "otlp_traces": Discard("span", 12 * MIB),
    "integration": Discard("log", 12 * MIB),
    "upload": Discard("attachment", 1024 * MIB, feature="FeatureDisabled(Uploads)"),
}


class DiscardEndpoint:
    """Reads a request to its end without keeping it, records the discard and answers as the reference does."""

    def __init__(self, requests: Requests, bodies: Bodies, intake: Intake) -> None:
        self._requests = requests
        self._bodies = bodies
        self._intake = intake

    async def __call__(
        self, scope: Any, receive: Receive, send: Send, name: str, project: str, path_key: str | None = None
    ) -> int:
        """Answer one request; returns the status. Raises `Refused`."""
        discard = DISCARDS[name]
        request = self._requests.read(scope, project, path_key)
        request.required_authentication(MISSING_AUTH)
        encoding_of(request.headers.get(b"content-encoding"))
        await _drain(receive, discard.bytes_max)
        event_id = random_id()
        await self._record(request, event_id, discard.item_type, 1)
        if discard.feature is not None:
            raise rejected(discard.feature)
        if discard.answers_id:
            await send_text(send, str(UUID(event_id)))
        else:
            await send_body(send, discard.status)
        return discard.status

    async def security(self, scope: Any, receive: Receive, send: Send, project: str) -> int:
        """Answer one browser report or an array of them."""
        request = self._requests.read(scope, project)
        request.required_authentication(MISSING_AUTH)
        headers = request.headers
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if b"/" not in kind:
            raise Refused(400, "invalid content type", plain=True)
        if kind not in _REPORT_TYPES:
            raise Refused(415)
        encoding = encoding_of(headers.get(b"content-encoding"))
        body = await self._bodies.read(receive, headers.get(b"content-length"), encoding, MIB)
        try:
            raw = body.view[0 : len(body.view)]
        finally:
            body.close()
        if not raw:
            raise Refused(400, EMPTY_BODY)
        await self._record(request, random_id(), "security", _reports(raw))
        await send_body(send, 200)
        return 200

    async def _record(self, request: Request, event_id: str, item_type: str, count: int) -> None:
        auth = request.required_authentication(MISSING_AUTH)
        items = [Item(item_type, {}, b"", 0, 0)] * count
        envelope = Envelope(EnvelopeHeaders(event_id=event_id), items)
        await self._intake.discard(request, auth, request.project_id, envelope)


def _reports(raw: bytes) -> int:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "invalid JSON data: JSONDecodeError", (str(error),)) from error
    count = len(value) if isinstance(value, list) else 1
    if count > ITEMS_MAX:
        raise Refused(413, CONTENT_TOO_LARGE)
    return count


async def _drain(receive: Receive, bytes_max: int) -> None:
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        size += len(message.get("body", b""))
        if size > bytes_max:
            raise too_long()
        if not message.get("more_body"):
            return
