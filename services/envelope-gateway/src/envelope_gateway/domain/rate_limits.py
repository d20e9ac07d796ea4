"""How limits are told to a client: `X-Sentry-Rate-Limits` and `Retry-After` (ingestion-protocol 4.1)."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit in force: for which categories (none: all), in which scope, for how many seconds, why."""

    retry_after_seconds: float
    categories: tuple[str, ...] = ()
    scope: str = "organization"
    reason_code: str | None = None
    namespaces: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [str(math.ceil(self.retry_after_seconds)), ";".join(self.categories), self.scope]
        if self.reason_code is not None or self.namespaces:
            parts.append(self.reason_code or "")
        if self.namespaces:
            parts.append(";".join(self.namespaces))
        return ":".join(parts)


def merge(limits: list[RateLimit]) -> list[RateLimit]:
    """Limits of one category set and scope collapse to the longest, whose reason holds."""
    merged: dict[tuple[frozenset[str], str], RateLimit] = {}
    for limit in limits:
        key = frozenset(limit.categories), limit.scope
        known = merged.get(key)
        if known is None or limit.retry_after_seconds > known.retry_after_seconds:
            merged[key] = limit
    return list(merged.values())


def rate_limit_headers(limits: list[RateLimit]) -> tuple[tuple[str, str], ...]:
    """Both headers for the limits of a refused request; none for no limits."""
    if not limits:
        return ()
    merged = merge(limits)
    longest = max(math.ceil(limit.retry_after_seconds) for limit in merged)
    return ("x-sentry-rate-limits", ", ".join(map(str, merged))), ("retry-after", str(longest))
