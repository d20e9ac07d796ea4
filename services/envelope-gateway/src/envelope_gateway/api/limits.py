"""Quotas of the ingest path, between parsing and publishing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hearback_fleet.quota_book import FeedbackLoad
from hearback_fleet.quotas import Quotas
from hearback_kit.limit_batches import Role

from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.items import Quantities
from envelope_gateway.domain.project import Scope
from envelope_gateway.domain.quotas import NEVER_LIMITED, SOURCES, Part, Portion, Verdict, settle, split

_ROLES = {Part.ALONE: Role.ALONE, Part.EVENT: Role.ROOT, Part.NEEDS_EVENT: Role.DEPENDENT}
_ONE = {kind: [FeedbackLoad(source)] for kind, source in SOURCES.items()}


class Limiter(Protocol):
    """Decides by quotas. It never refuses because it cannot know: then everything is kept and counted."""

    def applies(self, scope: Scope, items: Sequence[Item]) -> bool:
        """Whether any quota could matter: without one the request takes no detour."""
        ...

    async def check(self, scope: Scope, items: list[Item]) -> Verdict:
        """Decide about all items of an envelope in one round trip."""
        ...


@dataclass(frozen=True, slots=True)
class _Load:
    quantities: Quantities
    source: str | None
    role: Role


class QuotaLimiter:
    """Decides by the quotas in the project's configuration."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def applies(self, scope: Scope, items: Sequence[Item]) -> bool:
        """Whether the project has quotas."""
        return scope.project.has_quotas

    def passes(self, scope: Scope, items: Sequence[Item]) -> bool:
        """Whether an envelope of one item passes without asking; if not, `ask` or `check`."""
        kind = items[0].type if len(items) == 1 else ""
        if kind in NEVER_LIMITED:
            return True
        source = SOURCES.get(kind)
        if source is None:
            return False
        now = scope.received_at.timestamp()
        return self._quotas.passes_feedback(scope.project.config, scope.key_id, source, now)

    def ask(self, scope: Scope, items: Sequence[Item], told: Callable[[bool], None]) -> bool:
        """Call `told` with whether a single submission passes.

        False, and nothing is asked, for anything else and for what the quotas refuse without being asked.
        """
        source = SOURCES.get(items[0].type) if len(items) == 1 else None
        return source is not None and self._quotas.ask_feedback(scope.project.config, scope.key_id, source, told)

    async def check(self, scope: Scope, items: list[Item]) -> Verdict:
        """Decide about all items of an envelope in one round trip."""
        config = scope.project.config
        only = _ONE.get(items[0].type) if len(items) == 1 else None
        if only is not None:
            refusals = await self._quotas.check(config, scope.key_id, only)
            if not refusals[0]:
                return Verdict(items)
            return settle(items, [Portion(Part.ALONE, items=items)], refusals)
        portions = split(items)
        loads = [_Load(one.quantities, one.source, _ROLES[one.part]) for one in portions]
        return settle(items, portions, await self._quotas.check(config, scope.key_id, loads))
