"""Match a project's quotas to items and check their counters (protocol: limits#quotas).

A quota's counter belongs to its scope: quotas with the same id and scope `organization` share a counter across
projects. All services use the same counters.

An exhausted quota is cached until its window ends, so that its counter is not queried again; the cache is dropped
when the project's quotas change. Checks fail open: without an answer everything is accepted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from hearback_contracts.categories import DataCategory
from hearback_contracts.config import ProjectConfig, QuotaConfig
from hearback_contracts.rate_limits import RateLimit
from hearback_contracts.sources import FeedbackSource
from hearback_kit.clock import Clock
from hearback_kit.limits import Limit, LimitBatches, LimitCheck, RetryAfters, Role

REJECT_ALL_SECONDS: Final = 60
RETRY_AFTER_SECONDS_MAX: Final = 300
MATCHES_MAX: Final = 10_000
PROJECTS_MAX: Final = 20_000
CHECKS_MAX: Final = 10_000
# SDKs drop their own feedback when a limit names `feedback`; no SDK has a category of this name.
REPORTS_ONLY: Final = "user_report"

Categories = tuple[DataCategory, ...]
Quantities = tuple[tuple[DataCategory, int], ...]
ONE_FEEDBACK: Final[Quantities] = ((DataCategory.FEEDBACK, 1),)


@dataclass(eq=False, slots=True)
class BoundQuota:
    """A quota bound to the organization, project or key whose counter it uses.

    `shift` offsets its windows by seconds, so that those of all tenants do not end at once. The interval in which
    it is exhausted (Unix seconds) is cached, so that its counter is not queried again.
    """

    config: QuotaConfig
    name: str
    shift: int
    reported_categories: tuple[str, ...]
    refused_from: float = 0.0
    refused_until: float = 0.0

    def is_refusing(self, now: float) -> bool:
        """Return whether it is known to be exhausted at `now`; after the clock was set back nothing is known."""
        return self.refused_from <= now < self.refused_until

    def refuse(self, now: float, until: float) -> None:
        """Remember that it is exhausted from `now` until a time, or longer if already known."""
        self.refused_until = max(until, self.refused_until) if self.is_refusing(now) else until
        self.refused_from = now

    def rate_limit(self, seconds: float) -> RateLimit:
        """Return the rate limit to report to clients."""
        return RateLimit(seconds, self.reported_categories, self.config.scope, self.config.reason_code)


@dataclass(eq=False, slots=True)
class ApplicableQuotas:
    """The quotas that apply to some categories, a source and a key.

    `rejecting` are quotas with limit 0; `counting` are quotas with a counter, and the categories they count.
    """

    rejecting: tuple[RateLimit, ...]
    counting: tuple[tuple[BoundQuota, Categories], ...]

    def known_refusals(self, now: float) -> tuple[RateLimit, ...]:
        """Return the limits that refuse without querying counters: limit 0, or known to be exhausted at `now`."""
        hit = [quota.rate_limit(quota.refused_until - now) for quota, _ in self.counting if quota.is_refusing(now)]
        if not hit:
            return self.rejecting
        taken = {(frozenset(limit.categories), limit.scope) for limit in self.rejecting}
        kept = [limit for limit in hit if (frozenset(limit.categories), limit.scope) not in taken]
        return (*self.rejecting, *kept)


class FeedbackQuotas(NamedTuple):
    """The quotas of a feedback of one source, and their check, which has to be the same object each time."""

    quotas: ApplicableQuotas
    check: LimitCheck


class ProjectQuotas:
    """The quotas of a project, with caches of matches and checks."""

    def __init__(self, project: ProjectConfig) -> None:
        self.project = project
        self._quotas: dict[tuple[str, int], BoundQuota] = {}
        self._matches: dict[tuple[int | None, Categories, str | None], ApplicableQuotas] = {}
        self._feedback: dict[tuple[int | None, str], FeedbackQuotas] = {}

    def match(self, key_id: int | None, categories: Categories, source: str | None) -> ApplicableQuotas:
        """Return the quotas that apply; the same object for the same arguments."""
        key = key_id, categories, source
        found = self._matches.get(key)
        if found is None:
            if len(self._matches) >= MATCHES_MAX:
                self._matches.clear()
            found = self._matches[key] = self._match(key_id, categories, source)
        return found

    def feedback(self, key_id: int | None, source: str) -> FeedbackQuotas:
        """Return the quotas of a feedback by key (None: without one) and source."""
        found = self._feedback.get((key_id, source))
        if found is None:
            if len(self._feedback) >= CHECKS_MAX:
                self._feedback.clear()
            quotas = self.match(key_id, (DataCategory.FEEDBACK,), source)
            check = limit_check(quotas, ONE_FEEDBACK, Role.ALONE, self.project.organization_id)
            found = self._feedback[key_id, source] = FeedbackQuotas(quotas, check)
        return found

    def _match(self, key_id: int | None, categories: Categories, source: str | None) -> ApplicableQuotas:
        rejecting: list[RateLimit] = []
        counting: list[tuple[BoundQuota, Categories]] = []
        for config in self.project.quotas:
            scope_id = self._scope_id(config.scope, key_id)
            counted = counted_categories(config, categories, source)
            if scope_id is None or not counted:
                continue
            quota = self._quota(config, scope_id)
            if config.limit == 0:
                rejecting.append(quota.rate_limit(REJECT_ALL_SECONDS))
            elif config.window is not None:
                counting.append((quota, counted))
        return ApplicableQuotas(tuple(rejecting), tuple(counting))

    def _scope_id(self, scope: str, key_id: int | None) -> int | None:
        if scope == "organization":
            return self.project.organization_id
        if scope == "project":
            return self.project.id
        return key_id if scope == "key" else None

    def _quota(self, config: QuotaConfig, scope_id: int) -> BoundQuota:
        known = self._quotas.get((config.id, scope_id))
        if known is None:
            name = f"quota:{config.id}:{config.scope}:{scope_id}"
            shift = self.project.organization_id % config.window if config.window else 0
            known = BoundQuota(config, name, shift, reported_categories(config))
            self._quotas[config.id, scope_id] = known
        return known


def counted_categories(quota: QuotaConfig, categories: Sequence[DataCategory], source: str | None) -> Categories:
    """Return the categories that a quota counts; none if it does not apply.

    A quota without categories counts items, not bytes: the first category with the unit `count`.
    """
    if quota.sources and source not in quota.sources:
        return ()
    if not quota.categories:
        if quota.limit == 0:
            return tuple(categories)
        return tuple(category for category in categories if category.unit == "count")[:1]
    named = {DataCategory.parse(name) for name in quota.categories} - {DataCategory.UNKNOWN}
    return tuple(category for category in categories if category in named)


def reported_categories(quota: QuotaConfig) -> tuple[str, ...]:
    """Return the category names to report to clients (none: all).

    A quota on user reports only is not reported as `feedback`, since the widget would stop sending.
    """
    if quota.sources and FeedbackSource.NEW_FEEDBACK_ENVELOPE.value not in quota.sources:
        return (REPORTS_ONLY,)
    parsed = (DataCategory.parse(name) for name in quota.categories)
    return tuple(dict.fromkeys(str(category) for category in parsed if category is not DataCategory.UNKNOWN))


def limit_check(quotas: ApplicableQuotas, quantities: Quantities, role: Role, organization_id: int) -> LimitCheck:
    """Return the check of the quotas' counters for quantities."""
    amounts = dict(quantities)
    limits = [_limit(quota, sum(amounts[one] for one in counted)) for quota, counted in quotas.counting]
    return LimitCheck(tuple(limits), role, tenant=f"organization:{organization_id}")


def _limit(quota: BoundQuota, quantity: int) -> Limit:
    assert quota.config.window is not None, "only quotas with a window are counted"
    return Limit(quota.name, quota.config.limit, quota.config.window, quantity, quota.shift)


def remember(
    quotas: ApplicableQuotas, waits: Sequence[int], now: float, retry_after_seconds_max: int
) -> tuple[RateLimit, ...]:
    """Return the limits that refuse, and cache them; `waits` are in the order of `quotas.counting`."""
    limits = []
    for (quota, _), seconds in zip(quotas.counting, waits, strict=False):
        if seconds:
            reported = min(seconds, retry_after_seconds_max)
            quota.refuse(now, now + reported)
            limits.append(quota.rate_limit(reported))
    return tuple(limits)


class QuotaMemory:
    """The quotas of each project, cached until they change."""

    def __init__(self) -> None:
        self._projects: dict[int, ProjectQuotas] = {}

    def of(self, project: ProjectConfig) -> ProjectQuotas:
        """Return the quotas in the current configuration of a project."""
        known = self._projects.get(project.id)
        if known is not None:
            current = known.project
            if current is project:
                return known
            if current.quotas == project.quotas and current.organization_id == project.organization_id:
                known.project = project
                return known
        if len(self._projects) >= PROJECTS_MAX:
            self._projects.clear()
        made = self._projects[project.id] = ProjectQuotas(project)
        return made


class ReportQuotas:
    """Checks quotas for single reports outside of envelopes."""

    def __init__(self, batches: LimitBatches, clock: Clock) -> None:
        self._batches = batches
        self._clock = clock
        self._memory = QuotaMemory()

    async def refusals(self, project: ProjectConfig, key_id: int | None, source: str) -> Sequence[RateLimit]:
        """Count a report; return the limits that refuse it, in which case nothing is counted."""
        if not project.quotas:
            return ()
        now = self._clock.now().timestamp()
        feedback = self._memory.of(project).feedback(key_id, source)
        refused = feedback.quotas.known_refusals(now)
        if refused or not feedback.quotas.counting:
            return refused
        waits: list[RetryAfters] = await self._batches.check([feedback.check])
        return remember(feedback.quotas, waits[0], now, RETRY_AFTER_SECONDS_MAX)
