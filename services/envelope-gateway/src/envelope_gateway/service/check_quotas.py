"""Check an envelope against quotas (protocol: limits#quotas).

An exhausted quota is cached until its window ends, so that its counter is not queried again; the cache is dropped
when the project's quotas change. Checks fail open: without an answer everything is accepted.
"""

from collections.abc import Callable, Sequence

from hearback_contracts.categories import DataCategory
from hearback_contracts.config import ProjectConfig
from hearback_contracts.rate_limits import RateLimit
from hearback_kit.clock import Clock
from hearback_kit.limits import Limit, LimitBatches, LimitCheck, RetryAfters, Role

from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.items import Quantities
from envelope_gateway.domain.project import IngestContext
from envelope_gateway.domain.quotas.groups import (
    NEVER_LIMITED,
    SOURCES,
    GroupKind,
    ItemGroup,
    QuotaVerdict,
    apply_limits,
    group_items,
)
from envelope_gateway.domain.quotas.matching import ApplicableQuotas, BoundQuota, ProjectQuotas

PROJECTS_MAX = 20_000
CHECKS_MAX = 10_000
_ROLES = {
    GroupKind.INDEPENDENT: Role.ALONE,
    GroupKind.EVENT: Role.PARENT,
    GroupKind.NEEDS_EVENT: Role.CHILD,
}
_ONE_FEEDBACK: Quantities = ((DataCategory.FEEDBACK, 1),)


class _FeedbackQuotas:
    """The quotas of a feedback of one source, and their check, which has to be the same object each time."""

    __slots__ = ("check", "quotas")

    def __init__(self, quotas: ApplicableQuotas, organization_id: int) -> None:
        self.quotas = quotas
        self.check = _limit_check(quotas, _ONE_FEEDBACK, Role.ALONE, organization_id)


class _ProjectChecks:
    """The quotas of a project, with cached checks."""

    def __init__(self, project: ProjectConfig) -> None:
        self.quotas = ProjectQuotas(project)
        self._feedback: dict[tuple[int | None, str], _FeedbackQuotas] = {}

    def feedback(self, key_id: int | None, source: str) -> _FeedbackQuotas:
        found = self._feedback.get((key_id, source))
        if found is None:
            if len(self._feedback) >= CHECKS_MAX:
                self._feedback.clear()
            quotas = self.quotas.match(key_id, (DataCategory.FEEDBACK,), source)
            found = _FeedbackQuotas(quotas, self.quotas.project.organization_id)
            self._feedback[key_id, source] = found
        return found


class QuotaChecker:
    """Checks the quotas in a project's configuration.

    `retry_after_seconds_max` caps the reported wait, and how long an exhausted quota is cached.
    """

    def __init__(self, batches: LimitBatches, clock: Clock, *, retry_after_seconds_max: int = 300) -> None:
        self._batches = batches
        self._clock = clock
        self._retry_after_seconds_max = retry_after_seconds_max
        self._projects: dict[int, _ProjectChecks] = {}

    def accepts_unasked(self, context: IngestContext, items: Sequence[Item]) -> bool:
        """Return whether quotas accept an envelope without a round trip; if not, call `ask` or `check`."""
        if not context.project.has_quotas:
            return True
        kind = items[0].type if len(items) == 1 else ""
        if kind in NEVER_LIMITED:
            return True
        source = SOURCES.get(kind)
        if source is None:
            return False
        feedback = self._checks(context.project.config).feedback(context.key_id, source)
        return self._batches.passes(feedback.check, context.received_at.timestamp())

    def ask(self, context: IngestContext, items: Sequence[Item], on_result: Callable[[bool], None]) -> bool:
        """Count a single feedback; `on_result` is called with whether it is accepted.

        Return False, and count nothing, for other envelopes and for a quota that is known to refuse.
        """
        source = SOURCES.get(items[0].type) if len(items) == 1 else None
        if source is None:
            return False
        now = self._clock.now().timestamp()
        feedback = self._checks(context.project.config).feedback(context.key_id, source)
        quotas = feedback.quotas
        if quotas.known_refusals(now):
            return False
        if not quotas.counting:
            on_result(True)
            return True

        def settle(waits: list[RetryAfters]) -> None:
            on_result(not self._remember(quotas, waits[0], now))

        self._batches.submit((feedback.check,), settle)
        return True

    async def check(self, context: IngestContext, items: list[Item]) -> QuotaVerdict:
        """Check all items of an envelope, in at most one round trip."""
        if not context.project.has_quotas:
            return QuotaVerdict(items)
        source = SOURCES.get(items[0].type) if len(items) == 1 else None
        if source is not None:
            groups = [ItemGroup(GroupKind.INDEPENDENT, source, _ONE_FEEDBACK, items)]
        else:
            groups = group_items(items)
        return apply_limits(items, groups, await self._refusals(context, groups))

    async def _refusals(self, context: IngestContext, groups: Sequence[ItemGroup]) -> list[tuple[RateLimit, ...]]:
        """Return per group the limits that refuse it; refused groups are not counted.

        Groups that need an event are accepted only with one of the envelope's events, if there are any.
        """
        now = self._clock.now().timestamp()
        project = self._checks(context.project.config).quotas
        matches = [project.match(context.key_id, _categories(group), group.source) for group in groups]
        refusals = [match.known_refusals(now) for match in matches]
        dependent = _role_of_dependents(groups, matches, refusals)
        asked: list[int] = []
        checks: list[LimitCheck] = []
        for position, (group, match, refused) in enumerate(zip(groups, matches, refusals, strict=True)):
            role = dependent if group.kind is GroupKind.NEEDS_EVENT else _ROLES[group.kind]
            if refused or not match.counting or role is None:
                continue
            asked.append(position)
            checks.append(_limit_check(match, group.quantities, role, context.project.config.organization_id))
        if checks:
            for position, waits in zip(asked, await self._batches.check(checks), strict=True):
                refusals[position] = self._remember(matches[position], waits, now)
        return _refuse_with_events(groups, refusals)

    def _remember(self, match: ApplicableQuotas, waits: Sequence[int], now: float) -> tuple[RateLimit, ...]:
        limits = []
        for (quota, _), seconds in zip(match.counting, waits, strict=False):
            if seconds:
                reported = min(seconds, self._retry_after_seconds_max)
                quota.refuse(now, now + reported)
                limits.append(quota.rate_limit(reported))
        return tuple(limits)

    def _checks(self, project: ProjectConfig) -> _ProjectChecks:
        known = self._projects.get(project.id)
        if known is not None:
            current = known.quotas.project
            if current is project:
                return known
            if current.quotas == project.quotas and current.organization_id == project.organization_id:
                known.quotas.project = project
                return known
        if len(self._projects) >= PROJECTS_MAX:
            self._projects.clear()
        made = self._projects[project.id] = _ProjectChecks(project)
        return made


def _categories(group: ItemGroup) -> tuple[DataCategory, ...]:
    return tuple([category for category, _ in group.quantities])


def _limit_check(quotas: ApplicableQuotas, quantities: Quantities, role: Role, organization_id: int) -> LimitCheck:
    amounts = dict(quantities)
    limits = [_limit(quota, sum(amounts[one] for one in counted)) for quota, counted in quotas.counting]
    return LimitCheck(tuple(limits), role, tenant=f"organization:{organization_id}")


def _limit(quota: BoundQuota, quantity: int) -> Limit:
    assert quota.config.window is not None, "only quotas with a window are counted"
    return Limit(quota.name, quota.config.limit, quota.config.window, quantity, quota.shift)


def _role_of_dependents(
    groups: Sequence[ItemGroup], matches: Sequence[ApplicableQuotas], refusals: Sequence[Sequence[RateLimit]]
) -> Role | None:
    """Return the role of groups that need an event.

    They are independent if an event is accepted without a check; None if all events are refused.
    """
    events = [position for position, group in enumerate(groups) if group.kind is GroupKind.EVENT]
    if not events or any(not refusals[event] and not matches[event].counting for event in events):
        return Role.ALONE
    return None if all(refusals[event] for event in events) else Role.CHILD


def _refuse_with_events(
    groups: Sequence[ItemGroup], refusals: list[tuple[RateLimit, ...]]
) -> list[tuple[RateLimit, ...]]:
    """Refuse groups that need an event when all events are refused; they report the first event's limits."""
    events = [refusals[position] for position, group in enumerate(groups) if group.kind is GroupKind.EVENT]
    if not events or not all(events):
        return refusals
    return [
        events[0] if group.kind is GroupKind.NEEDS_EVENT else refused
        for group, refused in zip(groups, refusals, strict=True)
    ]
