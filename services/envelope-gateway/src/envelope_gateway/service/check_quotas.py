"""Check an envelope against quotas (protocol: limits#quotas)."""

from collections.abc import Callable, Sequence

from hearback_contracts.rate_limits import RateLimit
from hearback_fleet.quotas import ONE_FEEDBACK, ApplicableQuotas, QuotaMemory, limit_check, remember
from hearback_kit.clock import Clock
from hearback_kit.limits import LimitBatches, LimitCheck, RetryAfters, Role

from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.project import IngestContext
from envelope_gateway.domain.quotas import (
    NEVER_LIMITED,
    SOURCES,
    GroupKind,
    ItemGroup,
    QuotaVerdict,
    apply_limits,
    group_items,
)

_ROLES = {
    GroupKind.INDEPENDENT: Role.ALONE,
    GroupKind.EVENT: Role.PARENT,
    GroupKind.NEEDS_EVENT: Role.CHILD,
}


class QuotaChecker:
    """Checks the quotas in a project's configuration.

    `retry_after_seconds_max` caps the reported wait, and how long an exhausted quota is cached.
    """

    def __init__(self, batches: LimitBatches, clock: Clock, *, retry_after_seconds_max: int = 300) -> None:
        self._batches = batches
        self._clock = clock
        self._retry_after_seconds_max = retry_after_seconds_max
        self._quotas_of = QuotaMemory().of

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
        feedback = self._quotas_of(context.project.config).feedback(context.key_id, source)
        return self._batches.passes(feedback.check, context.received_at.timestamp())

    def ask(self, context: IngestContext, items: Sequence[Item], on_result: Callable[[bool], None]) -> bool:
        """Count a single feedback; `on_result` is called with whether it is accepted.

        Return False, and count nothing, for other envelopes and for a quota that is known to refuse.
        """
        source = SOURCES.get(items[0].type) if len(items) == 1 else None
        if source is None:
            return False
        now = self._clock.now().timestamp()
        feedback = self._quotas_of(context.project.config).feedback(context.key_id, source)
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
        takes_feedback = context.project.takes_feedback
        source = SOURCES.get(items[0].type) if len(items) == 1 and takes_feedback else None
        if source is not None:
            groups = [ItemGroup(GroupKind.INDEPENDENT, source, ONE_FEEDBACK, items)]
        else:
            groups = group_items(items, takes_feedback=takes_feedback)
        return apply_limits(items, groups, await self._refusals(context, groups))

    async def _refusals(self, context: IngestContext, groups: Sequence[ItemGroup]) -> list[tuple[RateLimit, ...]]:
        """Return per group the limits that refuse it; refused groups are not counted.

        Groups that need an event are accepted only with one of the envelope's events, if there are any.
        """
        now = self._clock.now().timestamp()
        project = self._quotas_of(context.project.config)
        matches = [project.match(context.key_id, group.categories, group.source) for group in groups]
        refusals = [match.known_refusals(now) for match in matches]
        dependent = _role_of_dependents(groups, matches, refusals)
        asked: list[int] = []
        checks: list[LimitCheck] = []
        for position, (group, match, refused) in enumerate(zip(groups, matches, refusals, strict=True)):
            role = dependent if group.kind is GroupKind.NEEDS_EVENT else _ROLES[group.kind]
            if refused or not match.counting or role is None:
                continue
            asked.append(position)
            checks.append(limit_check(match, group.quantities, role, context.project.config.organization_id))
        if checks:
            for position, waits in zip(asked, await self._batches.check(checks), strict=True):
                refusals[position] = self._remember(matches[position], waits, now)
        return _refuse_with_events(groups, refusals)

    def _remember(self, match: ApplicableQuotas, waits: Sequence[int], now: float) -> tuple[RateLimit, ...]:
        return remember(match, waits, now, self._retry_after_seconds_max)


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
