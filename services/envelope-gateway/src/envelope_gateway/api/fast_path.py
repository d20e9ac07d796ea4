"""The fast path of envelopes: no coroutine, task or ASGI message between a request's bytes and the stream.

It handles complete envelopes with a cached project, no exceeded limit and no attachment. It applies the checks
of `domain.admission`; an envelope that fails any of them is left to the slow path, which repeats the checks and
answers. Envelopes left to the slow path are counted by reason.
"""

from enum import StrEnum
from functools import partial
from typing import Any

import msgspec
from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.http_server.cycle import RequestCycle
from hearback_kit.logs import get_logger
from hearback_kit.values.ids import new_id, random_id

from envelope_gateway.api.bodies.encodings import decode_small, encoding_of
from envelope_gateway.api.bodies.memory import BodyMemory
from envelope_gateway.api.endpoints import ENDPOINTS, Handler
from envelope_gateway.api.params import RequestReader
from envelope_gateway.api.routing import IngestRouter
from envelope_gateway.api.serializers import encode_accepted
from envelope_gateway.domain.admission import Submission, admit, check_envelope, decide, event_id_of
from envelope_gateway.domain.envelope import Item, parse_envelope
from envelope_gateway.domain.plan import Plan
from envelope_gateway.domain.refusals import Refused
from envelope_gateway.domain.request_head import RequestHead
from envelope_gateway.metrics import FAST_PATH_LEFT, REQUESTS
from envelope_gateway.service.check_quotas import QuotaChecker
from envelope_gateway.service.find_project import ProjectFinder
from envelope_gateway.service.publish_plan import PlanPublisher

_log = get_logger(__name__)
[_ENVELOPE] = [endpoint for endpoint in ENDPOINTS if endpoint.handler is Handler.ENVELOPES]
_match_path = _ENVELOPE.pattern.fullmatch


class Left(StrEnum):
    """Why an envelope is left to the slow path."""

    NO_AUTHENTICATION = "no_authentication"
    BODY_SIZE = "body_size"
    CONTENT_ENCODING = "content_encoding"
    NO_ITEMS = "no_items"
    PROJECT_NOT_CACHED = "project_not_cached"
    REJECTED = "rejected"
    REFUSED = "refused"
    ATTACHMENTS = "attachments"
    QUOTAS = "quotas"
    ERROR = "error"


class _LeftError(Exception):
    """The request is left to the slow path."""

    def __init__(self, reason: Left) -> None:
        self.reason = reason


class FastPath:
    """Handles envelopes of at most `bytes_max` bytes, encoded and decoded."""

    def __init__(
        self,
        requests: RequestReader,
        memory: BodyMemory,
        projects: ProjectFinder,
        quotas: QuotaChecker,
        publisher: PlanPublisher,
        router: IngestRouter,
        clock: Clock,
        bytes_max: int,
    ) -> None:
        self._requests = requests
        self._memory = memory
        self._projects = projects
        self._quotas = quotas
        self._publisher = publisher
        self._router = router
        self._clock = clock
        self._bytes_max = bytes_max
        self._accepted = REQUESTS.labels(_ENVELOPE.name, "200")
        self.rest = publisher.rest
        self._left = {reason: FAST_PATH_LEFT.labels(reason.value) for reason in Left}

    def __call__(self, cycle: RequestCycle) -> bool:
        """Handle a complete request; return False, without side effects, to leave it to the slow path."""
        scope = cycle.scope
        path = _match_path(scope["path"])
        if path is None or scope["method"] != "POST":
            return False
        try:
            head = self._requests.read(scope, path[1])
            plan, items, size = self._plan(head, cycle.body)
            self._memory.take(size)
        except Exception as error:
            self._leave(error)
            return False
        pending = _Pending(cycle, plan, size, head.traceparent)
        if self._quotas.accepts_unasked(plan.context, items):
            self._submit(pending)
        elif not self._quotas.ask(plan.context, items, partial(self._on_quotas, pending)):
            self._memory.give(size)
            self._left[Left.QUOTAS].inc()
            return False
        return True

    def _plan(self, head: RequestHead, raw: bytes | bytearray) -> tuple[Plan, list[Item], int]:
        """Return the plan of an envelope, its items, and its body's size. Raise to leave it to the slow path."""
        sender = head.authentication
        if sender is None:
            raise _LeftError(Left.NO_AUTHENTICATION)
        body = self._decode(head, raw)
        envelope = parse_envelope(body)
        submission = Submission(head, sender, head.project_id, envelope)
        check_envelope(submission)
        if not envelope.items:
            raise _LeftError(Left.NO_ITEMS)
        project = self._projects.peek(sender.public_key)
        if project is None:
            raise _LeftError(Left.PROJECT_NOT_CACHED)
        event_id = event_id_of(envelope, random_id)
        admission = admit(submission, project, event_id, self._clock.now(), new_id)
        if admission.rejection is not None:
            raise _LeftError(Left.REJECTED)
        decision = decide(admission)
        if decision.answer is not None:
            raise decision.answer
        if decision.plan.attachments:
            raise _LeftError(Left.ATTACHMENTS)
        return decision.plan, envelope.items, len(body)

    def _decode(self, head: RequestHead, raw: bytes | bytearray) -> bytes:
        if not 0 < len(raw) <= self._bytes_max:
            raise _LeftError(Left.BODY_SIZE)
        header = head.headers.get(b"content-encoding")
        encoding = None if header is None else encoding_of(header)
        if encoding is None:
            return bytes(raw)
        body = decode_small(bytes(raw), encoding, self._bytes_max)
        if body is None:
            raise _LeftError(Left.CONTENT_ENCODING)
        return body

    def _leave(self, error: Exception) -> None:
        """Count a request left to the slow path, which raises the same errors and answers them."""
        if isinstance(error, _LeftError):
            self._left[error.reason].inc()
        elif isinstance(error, Refused):
            self._left[Left.REFUSED].inc()
        else:
            self._left[Left.ERROR].inc()
            _log.error("fast_path_failed", exc_info=error)

    def _on_quotas(self, pending: "_Pending", accepted: bool) -> None:
        """Publish if quotas accept it; else run the slow path, which answers the refusal."""
        if accepted:
            self._submit(pending)
        else:
            self._memory.give(pending.size)
            self._left[Left.QUOTAS].inc()
            pending.cycle.run_app(self._run_slow_path)

    async def _run_slow_path(self, scope: Any, receive: Any, send: Any) -> None:
        await self._router(scope, receive, send)

    def _submit(self, pending: "_Pending") -> None:
        try:
            self._publisher.submit(pending.plan, pending.traceparent, partial(self._on_commit, pending))
        except Refused as refused:
            self._refuse(pending, refused)

    def _on_commit(self, pending: "_Pending", error: Unavailable | None) -> None:
        if error is not None:
            self._refuse(pending, self._publisher.refusal(error))
            return
        self._memory.give(pending.size)
        self._accepted.inc()
        pending.cycle.answer(*encode_accepted(pending.plan.event_id))

    def _refuse(self, pending: "_Pending", refused: Refused) -> None:
        self._memory.give(pending.size)

        async def answer(_scope: Any, _receive: Any, send: Any) -> None:
            await self._router.answer_error(send, _ENVELOPE.name, refused)

        pending.cycle.run_app(answer)


class _Pending(msgspec.Struct, eq=False):
    """A request in progress, for which `size` bytes of memory are reserved."""

    cycle: RequestCycle
    plan: Plan
    size: int
    traceparent: str | None
