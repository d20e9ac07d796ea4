"""The seam for quotas, between parsing and publishing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.project import Scope
from envelope_gateway.domain.rate_limits import RateLimit


@dataclass(slots=True)
class Verdict:
    """What quotas leave of a request: the items to keep, those to drop with their reason, the limits to tell."""

    kept: list[Item]
    dropped: list[tuple[Item, str]] = field(default_factory=list)
    limits: list[RateLimit] = field(default_factory=list)


class Limiter(Protocol):
    """Decides by quotas. It never refuses because it cannot know: then everything is kept and counted."""

    def applies(self, scope: Scope, items: Sequence[Item]) -> bool:
        """Whether any quota could matter: without one the request takes no detour."""
        ...

    async def check(self, scope: Scope, items: list[Item]) -> Verdict:
        """Decide about all items of an envelope in one round trip."""
        ...


class Unlimited:
    """A limiter without quotas."""

    def applies(self, scope: Scope, items: Sequence[Item]) -> bool:
        """Never."""
        return False

    async def check(self, scope: Scope, items: list[Item]) -> Verdict:
        """Keep everything."""
        return Verdict(items)
