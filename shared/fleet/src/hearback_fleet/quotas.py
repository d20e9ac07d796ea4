"""Quotas: how much is left, and what a client is told (reference: ingestion-protocol 4).

A limit that was hit is remembered until it ends, so that nobody asks again; the memory goes with the
project's list of quotas.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hearback_contracts.config import ProjectConfig
from hearback_contracts.rate_limits import RateLimit, longest, rate_limit_headers
from hearback_contracts.sources import FeedbackSource
from hearback_kit.clock import Clock
from hearback_kit.limit_batches import Demand, LimitBatches, Role, Waits

from hearback_fleet.quota_book import Book, FeedbackLoad, Load, Match

PROJECTS_MAX: Final = 20_000


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

    def passes_feedback(self, project: ProjectConfig, key_id: int | None, source: str, now: float) -> bool:
        """Whether one feedback passes because it was counted ahead; `now` is in Unix seconds. If not, ask."""
        return self._batches.passes(self._book(project).feedback(key_id, source).single, now)

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
