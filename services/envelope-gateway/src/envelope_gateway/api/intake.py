"""Taking an envelope in: project, quotas, limits, plan, and making it durable (reference: 2.7)."""

from collections.abc import Callable

from hearback_contracts.rate_limits import RateLimit, rate_limit_headers
from hearback_contracts.reasons import Reason
from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.ids import new_id, random_id

from envelope_gateway.api.body import Body
from envelope_gateway.api.limits import Limiter
from envelope_gateway.api.projects import Projects
from envelope_gateway.api.publishing import Publisher
from envelope_gateway.api.requests import Request
from envelope_gateway.domain.authentication import Authentication
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.items import is_internal, is_known
from envelope_gateway.domain.origins import is_allowed
from envelope_gateway.domain.plan import Plan, event_id_of, plan_envelope, plan_refusal
from envelope_gateway.domain.project import Project, Scope
from envelope_gateway.domain.refusals import (
    PROJECT_NOT_AVAILABLE,
    RATE_LIMITED,
    Refused,
    rejected,
    too_large,
    unavailable,
)
from envelope_gateway.domain.sizes import find_too_large, limit_name
from envelope_gateway.domain.timestamps import drifted

_REASONS = frozenset(reason.value for reason in Reason)
FEEDBACK_FEATURE = "FeatureDisabled(UserFeedbackIngest)"


class Intake:
    """Takes parsed envelopes: all that is to be kept is durable when `take` returns."""

    def __init__(
        self,
        projects: Projects,
        publisher: Publisher,
        limiter: Limiter,
        clock: Clock,
        *,
        retry_after_seconds: int,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self._projects = projects
        self._publisher = publisher
        self._limiter = limiter
        self._clock = clock
        self._retry_after_seconds = retry_after_seconds
        self._new_id = new_id

    async def take(
        self, request: Request, auth: Authentication, project_id: int | None, envelope: Envelope, body: Body
    ) -> str | None:
        """Keep an envelope and return its event id.

        Raises `Refused` with the status and text of the reference. Refusals of known projects are
        recorded before they are told.
        """
        event_id = event_id_of(envelope, random_id)
        if not envelope.items:
            return event_id
        project = self._projects.peek(auth.public_key) or await self._load(auth.public_key)
        if project is None:
            answer = rejected("ProjectId")
        else:
            scope = self._scope(request, auth, project, envelope)
            refused = _judge(request, project, auth, project_id)
            if refused is None:
                await self._take_items(request, scope, event_id, envelope, body)
                return event_id
            reason, answer = refused
            await self._publisher.keep(plan_refusal(scope, event_id, envelope, envelope.items, reason))
        if any(map(is_known, envelope.items)):
            raise answer
        return event_id  # items of unknown types alone get 200 from everyone (reference: 2.7)

    def plan(self, request: Request, auth: Authentication, envelope: Envelope) -> Plan | None:
        """What an ordinary envelope leaves behind, not yet kept; None when anything stands against it.

        Quotas are not asked. Attachments are not ordinary: their bytes go elsewhere.
        """
        project = self._projects.peek(auth.public_key)
        if project is None or _judge(request, project, auth, request.project_id) is not None:
            return None
        if find_too_large(envelope.items, project.limits) is not None or any(map(is_internal, envelope.items)):
            return None
        scope = self._scope(request, auth, project, envelope)
        plan = plan_envelope(scope, event_id_of(envelope, random_id), envelope, envelope.items)
        return None if plan.attachments or plan.feedback_refused else plan

    async def discard(
        self, request: Request, auth: Authentication, project_id: int | None, envelope: Envelope
    ) -> None:
        """Record that an envelope's items were read and not kept; raises `Refused` as `take` does."""
        project = self._projects.peek(auth.public_key) or await self._load(auth.public_key)
        if project is None:
            raise rejected("ProjectId")
        scope = self._scope(request, auth, project, envelope)
        refused = _judge(request, project, auth, project_id)
        reason = Reason.UNSUPPORTED_TYPE.value if refused is None else refused[0]
        await self._publisher.keep(plan_refusal(scope, None, envelope, envelope.items, reason))
        if refused is not None:
            raise refused[1]

    async def _load(self, public_key: str) -> Project | None:
        try:
            return await self._projects.load(public_key)
        except Unavailable as error:
            raise unavailable(error.detail, self._retry_after_seconds, detail=PROJECT_NOT_AVAILABLE) from error

    def _scope(self, request: Request, auth: Authentication, project: Project, envelope: Envelope) -> Scope:
        now = self._clock.now()
        headers = envelope.headers
        key = project.keys.get(auth.public_key)
        return Scope(
            project,
            key[0] if key is not None else None,
            now,
            self._new_id,
            None if headers.sent_at is None else drifted(headers.sent_at, now),
            headers.sdk or auth.client,
            request.remote_addr,
        )

    async def _take_items(
        self, request: Request, scope: Scope, event_id: str | None, envelope: Envelope, body: Body
    ) -> None:
        items = envelope.items
        dropped: list[tuple[Item, str | None]] = []
        limits: list[RateLimit] = []
        if self._limiter.applies(scope, items):
            verdict = await self._limiter.check(scope, items)
            items, dropped, limits = verdict.kept, verdict.dropped, verdict.limits
        surplus = find_too_large(items, scope.project.limits)
        if surplus is not None:
            name = limit_name(surplus)
            plan = plan_refusal(scope, event_id, envelope, items, _too_large_reason(name))
        else:
            plan = plan_envelope(scope, event_id, envelope, items)
        for item, reason_code in dropped:
            plan.limit(item, reason_code)
        await self._publisher.keep(plan, body, request.traceparent)
        _tell(plan, surplus, limits)


def _judge(
    request: Request, project: Project, auth: Authentication, project_id: int | None
) -> tuple[str, Refused] | None:
    """Why the project does not take the request, and the answer; None when it does."""
    key = project.keys.get(auth.public_key)
    if key is None or not key[1] or (project_id is not None and project_id != project.id):
        return Reason.PROJECT_ID.value, rejected("ProjectId")
    if not project.allows_any_origin and not is_allowed(request.origin, project.origins):
        return Reason.CORS.value, rejected("Cors")
    return None


def _too_large_reason(name: str) -> str:
    reason = f"too_large:{name}"
    return reason if reason in _REASONS else Reason.TOO_LARGE_ATTACHMENT.value


def _tell(plan: Plan, surplus: Item | None, limits: list[RateLimit]) -> None:
    """Raise what has to be told although the request was dealt with."""
    if limits:
        raise Refused(429, RATE_LIMITED, headers=rate_limit_headers(limits))
    if surplus is not None:
        raise too_large(limit_name(surplus))
    if plan.feedback_refused and not plan.keeps_something:
        raise rejected(FEEDBACK_FEATURE)
