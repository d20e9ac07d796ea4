"""Crash uploads: `/api/{project_id}/minidump/` and `/api/{project_id}/unreal/{public_key}/`.

They are accepted like envelopes, and answered with the event id of the crash.
"""

import asyncio
from uuid import UUID

from hearback_contracts.reasons import Reason
from hearback_kit.values.ids import random_id

from envelope_gateway.api.bodies.endpoints import LimitedBodyEndpoint
from envelope_gateway.api.bodies.memory import Body
from envelope_gateway.api.routing import IngestCall
from envelope_gateway.api.serializers import send_text
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.crash_upload import (
    find_minidump,
    is_minidump,
    minidump_envelope,
    raw_minidump_envelope,
)
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.multipart import boundary_of, find_parts
from envelope_gateway.domain.refusals import INVALID_MINIDUMP, MISSING_AUTH, MISSING_MINIDUMP, Refused
from envelope_gateway.domain.request_head import RequestHead
from envelope_gateway.domain.unreal_crash import read_unreal_crash, unreal_envelope


class MinidumpEndpoint(LimitedBodyEndpoint):
    """Accepts a multipart form with a minidump, or a bare minidump."""

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        head = self._requests.read(call.scope, call.project)
        sender = head.required_authentication(MISSING_AUTH)
        async with self._recording(head, "unreal_report", Reason.TOO_LARGE_MINIDUMP):
            body = await self._bodies.read(head, call.receive, self._bytes_max)
        try:
            async with self._recording(head, "unreal_report", Reason.TOO_LARGE_MINIDUMP):
                envelope = await _read_minidump(head, body)
            event_id = await self._acceptor.accept(Submission(head, sender, head.project_id, envelope), body)
        finally:
            body.close()
        await send_text(call.send, str(UUID(event_id)))
        return 200


async def _read_minidump(head: RequestHead, body: Body) -> Envelope:
    content_type = head.headers.get(b"content-type", b"")
    if not content_type.lower().startswith(b"multipart/form-data"):
        if not is_minidump(body.view):
            raise Refused(400, INVALID_MINIDUMP)
        return raw_minidump_envelope(body.view, random_id)
    boundary = boundary_of(content_type)
    parts = await body.parsed(lambda view: find_parts(view, boundary))
    minidump = find_minidump(parts)
    if minidump is None:
        raise Refused(400, MISSING_MINIDUMP)
    if not is_minidump(body.view, minidump.start):
        raise Refused(400, INVALID_MINIDUMP)
    return minidump_envelope(body.view, parts, random_id)


class UnrealCrashEndpoint(LimitedBodyEndpoint):
    """Accepts reports of the Unreal Engine's crash reporter; never answers 429."""

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        head = self._requests.read(call.scope, call.project, call.path_key)
        sender = head.required_authentication(MISSING_AUTH)
        async with self._recording(head, "unreal_report", Reason.TOO_LARGE_UNREAL_REPORT):
            body = await self._bodies.read(head, call.receive, self._bytes_max)
        try:
            envelope = await asyncio.to_thread(_read_unreal, body)
        except ValueError:
            envelope = _lost_crash()
            submission = Submission(head, sender, head.project_id, envelope)
            await self._acceptor.discard(submission, Reason.INVALID_UNREAL_REPORT)
        else:
            submission = Submission(head, sender, head.project_id, envelope)
            await self._accept(submission, body)
        finally:
            body.close()
        await send_text(call.send, str(UUID(envelope.headers.event_id)))
        return 200

    async def _accept(self, submission: Submission, body: Body) -> None:
        try:
            await self._acceptor.accept(submission, body)
        except Refused as refused:
            if refused.status != 429:
                raise


def _read_unreal(body: Body) -> Envelope:
    return unreal_envelope(read_unreal_crash(body.view), random_id)


def _lost_crash() -> Envelope:
    """Return the envelope of an unreadable crash report, which counts as one error."""
    return Envelope(EnvelopeHeaders(event_id=random_id()), [Item("unreal_report", {}, b"", 0, 0)])
