"""Crash uploads: `/api/{project_id}/minidump/` and `/api/{project_id}/unreal/{public_key}/`.

They are accepted like envelopes, and answered with the event id of the crash.
"""

import asyncio
from contextlib import closing
from uuid import UUID

from hearback_contracts.reasons import Reason
from hearback_kit.values.ids import random_id

from envelope_gateway.api.bodies.endpoints import BodyEndpoint
from envelope_gateway.api.bodies.memory import Body
from envelope_gateway.api.routing import IngestCall
from envelope_gateway.api.serializers import PLAIN, send_body
from envelope_gateway.domain.admission import Submission
from envelope_gateway.domain.crash_upload import (
    find_minidump,
    is_minidump,
    minidump_envelope,
    raw_minidump_envelope,
)
from envelope_gateway.domain.envelope import Envelope, empty_items
from envelope_gateway.domain.multipart import boundary_of, find_parts
from envelope_gateway.domain.refusals import INVALID_MINIDUMP, MISSING_MINIDUMP, Refused
from envelope_gateway.domain.request_head import RequestHead
from envelope_gateway.domain.unreal_crash import read_unreal_crash, unreal_envelope


class MinidumpEndpoint(BodyEndpoint):
    """Accepts a multipart form with a minidump, or a bare minidump."""

    lost_type = "unreal_report"
    too_large = Reason.TOO_LARGE_MINIDUMP

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        head = self._requests.read(call.scope, call.project)
        sender = head.required_authentication()
        async with self._recording(head):
            body = await self._bodies.read(head, call.receive, self._settings.upload_bytes_max)
        with closing(body):
            async with self._recording(head):
                envelope = await _read_minidump(head, body)
            event_id = await self._acceptor.accept(Submission(head, sender, head.project_id, envelope), body)
        await send_body(call.send, 200, str(UUID(event_id)).encode(), PLAIN)
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


class UnrealCrashEndpoint(BodyEndpoint):
    """Accepts reports of the Unreal Engine's crash reporter; never answers 429."""

    lost_type = "unreal_report"
    too_large = Reason.TOO_LARGE_UNREAL_REPORT

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused`."""
        head = self._requests.read(call.scope, call.project, call.path_key)
        sender = head.required_authentication()
        async with self._recording(head):
            body = await self._bodies.read(head, call.receive, self._settings.upload_bytes_max)
        with closing(body):
            try:
                envelope = await asyncio.to_thread(_read_unreal, body)
            except ValueError:  # an unreadable report counts as one error
                envelope = empty_items(self.lost_type, random_id())
                submission = Submission(head, sender, head.project_id, envelope)
                await self._acceptor.discard(submission, Reason.INVALID_UNREAL_REPORT)
            else:
                await self._accept(Submission(head, sender, head.project_id, envelope), body)
        await send_body(call.send, 200, str(UUID(envelope.headers.event_id)).encode(), PLAIN)
        return 200

    async def _accept(self, submission: Submission, body: Body) -> None:
        try:
            await self._acceptor.accept(submission, body)
        except Refused as refused:
            if refused.status != 429:
                raise


def _read_unreal(body: Body) -> Envelope:
    return unreal_envelope(read_unreal_crash(body.view), random_id)
