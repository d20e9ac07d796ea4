"""Which quotas of a project hold for what, worked out once for each kind (reference: ingestion-protocol 4).

A quota's counter belongs to its scope: quotas of one id and scope `organization` share a counter over
all projects that have them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from hearback_contracts.categories import DataCategory
from hearback_contracts.config import ProjectConfig, QuotaConfig
from hearback_contracts.rate_limits import RateLimit
from hearback_contracts.sources import FeedbackSource
from hearback_kit.limit_batches import Demand, Role
from hearback_kit.limits import Limit

REJECT_ALL_SECONDS: Final = 60
MATCHES_MAX: Final = 10_000
# SDKs drop feedback of their own when told `feedback`; no SDK has a category of this name.
REPORTS_ONLY: Final = "user_report"

Quantities = tuple[tuple[DataCategory, int], ...]
_ONE_FEEDBACK: Final[Quantities] = ((DataCategory.FEEDBACK, 1),)


class Load(Protocol):
    """What is to be counted together: quantities by category, and for feedback how it came."""

    @property
    def quantities(self) -> Quantities: ...
    @property
    def source(self) -> str | None: ...
    @property
    def role(self) -> Role: ...


@dataclass(frozen=True, slots=True)
class FeedbackLoad:
    """One feedback of a source."""

    source: str | None
    quantities: Quantities = _ONE_FEEDBACK
    role: Role = Role.ALONE


@dataclass(eq=False, slots=True)
class Quota:
    """A quota bound to the organization, project or key whose counter it uses."""

    config: QuotaConfig
    name: str
    shift: int
    told: tuple[str, ...]
    refused_until: float = 0.0

    def limit(self, quantity: int) -> Limit:
        """The counter to check for a quantity."""
        assert self.config.window is not None, "only quotas with a window are counted"
        return Limit(self.name, self.config.limit, self.config.window, quantity, self.shift)

    def rate_limit(self, seconds: float) -> RateLimit:
        """How the quota is told for as long as it refuses."""
        return RateLimit(seconds, self.told, self.config.scope, self.config.reason_code)


@dataclass(eq=False, slots=True)
class Match:
    """The quotas that hold for loads of certain categories, source and key."""

    rejecting: tuple[RateLimit, ...]
    counting: tuple[tuple[Quota, tuple[DataCategory, ...]], ...]
    _demands: dict[Role, Demand] = field(default_factory=dict)
    _single: Demand | None = None

    @property
    def single(self) -> Demand:
        """What to ask about one thing that hangs on no other; kept apart, for the hot path asks it each time."""
        if self._single is None:
            self._single = self.demand(_ONE_FEEDBACK, Role.ALONE)
        return self._single

    def refusals(self, now: float) -> tuple[RateLimit, ...]:
        """What refuses without being asked: limits of 0, and those that were hit and have not ended."""
        hit = [
            quota.rate_limit(quota.refused_until - now) for quota, _ in self.counting if quota.refused_until > now
        ]
        if not hit:
            return self.rejecting
        taken = {(frozenset(limit.categories), limit.scope) for limit in self.rejecting}
        kept = [limit for limit in hit if (frozenset(limit.categories), limit.scope) not in taken]
        return (*self.rejecting, *kept)

    def demand(self, quantities: Quantities, role: Role) -> Demand:
        """What to ask; the same object for the same question about single things."""
        if any(quantity != 1 for _, quantity in quantities):
            return self._demand(quantities, role)
        demand = self._demands.get(role)
        if demand is None:
            demand = self._demands[role] = self._demand(quantities, role)
        return demand

    def _demand(self, quantities: Quantities, role: Role) -> Demand:
        amounts = dict(quantities)
        limits = [quota.limit(sum(amounts[one] for one in counted)) for quota, counted in self.counting]
        return Demand(tuple(limits), role)


class Book:
    """The quotas of one project, matched once for each kind of load."""

    def __init__(self, project: ProjectConfig) -> None:
        self.project = project
        self._quotas: dict[tuple[str, int], Quota] = {}
        self._feedback: dict[tuple[int | None, str], Match] = {}
        self._matches: dict[tuple[int | None, tuple[DataCategory, ...], str | None], Match] = {}

    def feedback(self, key_id: int | None, source: str) -> Match:
        """The quotas that hold for one feedback of a source."""
        found = self._feedback.get((key_id, source))
        if found is None:
            if len(self._feedback) >= MATCHES_MAX:
                self._feedback.clear()
            found = self._feedback[key_id, source] = self.match(key_id, FeedbackLoad(source))
        return found

    def match(self, key_id: int | None, load: Load) -> Match:
        """The quotas that hold for a load."""
        categories = tuple([category for category, _ in load.quantities])
        key = key_id, categories, load.source
        found = self._matches.get(key)
        if found is None:
            if len(self._matches) >= MATCHES_MAX:
                self._matches.clear()
            found = self._matches[key] = self._match(key_id, categories, load.source)
        return found

    def _match(self, key_id: int | None, categories: tuple[DataCategory, ...], source: str | None) -> Match:
        rejecting: list[RateLimit] = []
        counting: list[tuple[Quota, tuple[DataCategory, ...]]] = []
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
        return Match(tuple(rejecting), tuple(counting))

    def _scope_id(self, scope: str, key_id: int | None) -> int | None:
        if scope == "organization":
            return self.project.organization_id
        if scope == "project":
            return self.project.id
        return key_id if scope == "key" else None

    def _quota(self, config: QuotaConfig, scope_id: int) -> Quota:
        known = self._quotas.get((config.id, scope_id))
        if known is None:
            name = f"quota:{config.id}:{config.scope}:{scope_id}"
            shift = self.project.organization_id % config.window if config.window else 0
            known = self._quotas[config.id, scope_id] = Quota(config, name, shift, told_categories(config))
        return known


def counted_categories(
    quota: QuotaConfig, categories: Sequence[DataCategory], source: str | None
) -> tuple[DataCategory, ...]:
    """Those of a load's categories that a quota is about; none when it does not hold for the load.

    A quota on everything counts things, not bytes: a load's first category that has no other unit.
    """
    if quota.sources and source not in quota.sources:
        return ()
    if not quota.categories:
        if quota.limit == 0:
            return tuple(categories)
        return tuple(category for category in categories if category.unit == "count")[:1]
    named = {DataCategory.parse(name) for name in quota.categories} - {DataCategory.UNKNOWN}
    return tuple(category for category in categories if category in named)


def told_categories(quota: QuotaConfig) -> tuple[str, ...]:
    """The categories by the names that clients know (none: all).

    A quota narrowed to reports is not told as `feedback`: the widget would hold back what it may send.
    """
    if quota.sources and FeedbackSource.NEW_FEEDBACK_ENVELOPE.value not in quota.sources:
        return (REPORTS_ONLY,)
    parsed = (DataCategory.parse(name) for name in quota.categories)
    return tuple(dict.fromkeys(str(category) for category in parsed if category is not DataCategory.UNKNOWN))
