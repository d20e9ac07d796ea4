"""Quotas: which hold for what, how much is left, and what a client is told (reference: ingestion-protocol 4).

A quota's counter belongs to its scope: quotas of one id and scope `organization` share a counter over
all projects that have them. A limit that was hit is remembered until it ends, so that nobody asks
again; the memory goes with the project's list of quotas.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from hearback_contracts.categories import DataCategory
from hearback_contracts.config import ProjectConfig, QuotaConfig
from hearback_contracts.rate_limits import RateLimit, longest, rate_limit_headers
from hearback_contracts.sources import FeedbackSource
from hearback_kit.clock import Clock
from hearback_kit.limit_batches import Demand, LimitBatches, Role, Waits
from hearback_kit.limits import Limit

REJECT_ALL_SECONDS: Final = 60
PROJECTS_MAX: Final = 20_000
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
        """What to ask about one thing that hangs on no other."""
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


class Quotas:
    """Decides by the quotas of projects; without an answer from Valkey everything passes.

    `retry_after_seconds_max` caps how long a client is told to wait, and how long a limit is remembered.
    """

    def __init__(self, batches: LimitBatches, clock: Clock, *, retry_after_seconds_max: int = 300) -> None:
        self._batches = batches
        self._clock = clock
        self._retry_after_seconds_max = retry_after_seconds_max
        self._books: dict[int, Book] = {}

    async def check_feedback(
        self, project: ProjectConfig, key_id: int | None, source: FeedbackSource
    ) -> "Refusal | None":
        """Count one feedback; what refuses it, or None when it passes."""
        if not project.quotas:
            return None
        (limits,) = await self.check(project, key_id, [FeedbackLoad(source.value)])
        return Refusal(limits) if limits else None

    def ask_feedback(
        self, project: ProjectConfig, key_id: int | None, source: str, told: Callable[[bool], None]
    ) -> bool:
        """Count one feedback and call `told` with whether it passes, sooner or later.

        False, and nothing is asked or counted, when a limit refuses it already.
        """
        now = self._clock.now().timestamp()
        match = self._book(project).feedback(key_id, source)
        if match.refusals(now):
            return False
        if not match.counting:
            told(True)
            return True

        def settle(waits: list[Waits]) -> None:
            told(not self._remember(match, waits[0], now))

        self._batches.ask((match.single,), settle)
        return True

    async def check(
        self, project: ProjectConfig, key_id: int | None, loads: Sequence[Load]
    ) -> list[tuple[RateLimit, ...]]:
        """Per load the limits that refuse it (none: it passes), in one round trip for all, or in none.

        Roots stand before what depends on them. Dependent loads pass only when one of the roots does, if
        there are any; those that fell with their roots have the limits of the first of them. What is
        refused is not counted anywhere.
        """
        now = self._clock.now().timestamp()
        book = self._book(project)
        matches = [book.match(key_id, load) for load in loads]
        verdicts = [match.refusals(now) for match in matches]
        dependent = _role_of_dependents(loads, matches, verdicts)
        asked: list[int] = []
        demands: list[Demand] = []
        for position, (load, match, verdict) in enumerate(zip(loads, matches, verdicts, strict=True)):
            role = load.role if load.role is not Role.DEPENDENT else dependent
            if verdict or not match.counting or role is None:
                continue
            asked.append(position)
            demands.append(match.demand(load.quantities, role))
        if demands:
            for position, waits in zip(asked, await self._batches.check(demands), strict=True):
                verdicts[position] = self._remember(matches[position], waits, now)
        return _with_fallen(loads, verdicts)

    def _remember(self, match: Match, waits: Sequence[int], now: float) -> tuple[RateLimit, ...]:
        limits = []
        for (quota, _), seconds in zip(match.counting, waits, strict=False):
            if seconds:
                told = min(seconds, self._retry_after_seconds_max)
                quota.refused_until = max(quota.refused_until, now + told)
                limits.append(quota.rate_limit(told))
        return tuple(limits)

    def _book(self, project: ProjectConfig) -> Book:
        known = self._books.get(project.id)
        if known is not None:
            if known.project is project:
                return known
            if known.project.quotas == project.quotas and known.project.organization_id == project.organization_id:
                known.project = project
                return known
        if len(self._books) >= PROJECTS_MAX:
            self._books.clear()
        book = self._books[project.id] = Book(project)
        return book


def _role_of_dependents(
    loads: Sequence[Load], matches: Sequence[Match], verdicts: Sequence[Sequence[RateLimit]]
) -> Role | None:
    """How to ask for dependent loads: alone when a root passes unasked, not at all when none can pass."""
    roots = [position for position, load in enumerate(loads) if load.role is Role.ROOT]
    if not roots or any(not verdicts[root] and not matches[root].counting for root in roots):
        return Role.ALONE
    return None if all(verdicts[root] for root in roots) else Role.DEPENDENT


def _with_fallen(loads: Sequence[Load], verdicts: list[tuple[RateLimit, ...]]) -> list[tuple[RateLimit, ...]]:
    """Refuse what depends on roots of which none passed."""
    roots = [verdicts[position] for position, load in enumerate(loads) if load.role is Role.ROOT]
    if not roots or not all(roots):
        return verdicts
    return [
        roots[0] if load.role is Role.DEPENDENT else verdict for load, verdict in zip(loads, verdicts, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The limits that refused something."""

    limits: tuple[RateLimit, ...]

    @property
    def reason_code(self) -> str | None:
        """The reason that outcomes get: of the limit that lasts longest."""
        return longest(self.limits).reason_code

    @property
    def headers(self) -> dict[str, str]:
        """`X-Sentry-Rate-Limits` and `Retry-After`."""
        return dict(rate_limit_headers(self.limits))
