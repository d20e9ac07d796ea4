"""The direct way of ordinary envelopes: no coroutine, no task and no ASGI message between bytes and stream.

It takes what came whole and against which nothing stands, which is nearly everything that SDKs send, and
does what `EnvelopeEndpoint` and `Intake` do with the same functions. Whatever else there is, it leaves
untouched to them: they decide anew and answer, so that no refusal is written twice.
"""

from functools import partial
from typing import Any

from hearback_kit.errors import Unavailable
from hearback_kit.http_exchange import Exchange

from envelope_gateway.api.answers import accepted
from envelope_gateway.api.body import Memory
from envelope_gateway.api.encodings import decode_small, encoding_of
from envelope_gateway.api.envelopes import check_against_request
from envelope_gateway.api.ingest import Ingest, ordinary_path
from envelope_gateway.api.intake import Intake
from envelope_gateway.api.limits import QuotaLimiter
from envelope_gateway.api.publishing import Publisher
from envelope_gateway.api.requests import Request, Requests
from envelope_gateway.domain.envelope import Envelope, parse_envelope
from envelope_gateway.domain.plan import Plan
from envelope_gateway.domain.refusals import Refused
from envelope_gateway.metrics import REQUESTS


class DirectEnvelopes:
    """Takes ordinary envelopes; a body must have at most `bytes_max` bytes, packed and unpacked."""

    def __init__(
        self,
        requests: Requests,
        memory: Memory,
        intake: Intake,
        limiter: QuotaLimiter,
        publisher: Publisher,
        ingest: Ingest,
        bytes_max: int,
    ) -> None:
        self._requests = requests
        self._memory = memory
        self._intake = intake
        self._limiter = limiter
        self._publisher = publisher
        self._ingest = ingest
        self._bytes_max = bytes_max
        self._accepted = REQUESTS.labels("envelope", "200")

    def __call__(self, exchange: Exchange) -> bool:
        """Take a request; False, and nothing done, when it is not ordinary."""
        scope = exchange.scope
        path = ordinary_path(scope["path"])
        if path is None or scope["method"] != "POST":
            return False
        try:
            request = self._requests.read(scope, path[1])
            found = self._read(request, exchange.body)
            if found is None:
                return False
            envelope, plan, size = found
            self._memory.take(size)
        except Exception:
            return False  # they will meet it, too
        taken = _Taken(exchange, plan, size, request.traceparent)
        items = envelope.items
        if not self._limiter.applies(plan.scope, items) or self._limiter.passes(plan.scope, items):
            self._commit(taken)
        elif not self._limiter.ask(plan.scope, items, partial(self._go_on, taken)):
            self._memory.give(size)
            return False
        return True

    def _read(self, request: Request, raw: bytes | bytearray) -> tuple[Envelope, Plan, int] | None:
        """An ordinary envelope, its plan, and the bytes of its body."""
        auth = request.authentication
        encoding = encoding_of(request.headers.get(b"content-encoding"))
        if auth is None or not 0 < len(raw) <= self._bytes_max:
            return None
        body = bytes(raw) if encoding is None else decode_small(bytes(raw), encoding, self._bytes_max)
        if body is None:
            return None
        envelope = parse_envelope(body)
        check_against_request(envelope, request, auth, request.project_id)
        plan = self._intake.plan(request, auth, envelope) if envelope.items else None
        return None if plan is None else (envelope, plan, len(body))

    def _go_on(self, taken: "_Taken", passes: bool) -> None:
        """Publish what quotas let pass; the ordinary way knows what to say to the others."""
        if passes:
            self._commit(taken)
        else:
            self._memory.give(taken.size)
            taken.exchange.run(self._go_the_ordinary_way)

    async def _go_the_ordinary_way(self, scope: Any, receive: Any, send: Any) -> None:
        await self._ingest(scope, receive, send)

    def _commit(self, taken: "_Taken") -> None:
        try:
            self._publisher.submit(taken.plan, taken.traceparent, partial(self._finish, taken))
        except Refused as refused:
            self._refuse(taken, refused)

    def _finish(self, taken: "_Taken", error: Unavailable | None) -> None:
        if error is not None:
            self._refuse(taken, self._publisher.refusal(error))
            return
        self._memory.give(taken.size)
        self._accepted.inc()
        taken.exchange.answer(*accepted(taken.plan.event_id))

    def _refuse(self, taken: "_Taken", refused: Refused) -> None:
        self._memory.give(taken.size)

        async def answer(_scope: Any, _receive: Any, send: Any) -> None:
            await self._ingest.fail(send, "envelope", refused)

        taken.exchange.run(answer)


class _Taken:
    """A request between its bytes and its answer."""

    __slots__ = ("exchange", "plan", "size", "traceparent")

    def __init__(self, exchange: Exchange, plan: Plan, size: int, traceparent: str | None) -> None:
        self.exchange = exchange
        self.plan = plan
        self.size = size
        self.traceparent = traceparent
