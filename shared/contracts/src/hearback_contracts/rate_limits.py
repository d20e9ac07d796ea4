"""The headers `X-Sentry-Rate-Limits` and `Retry-After` (protocol: limits#rate-limit-headers)."""

import math
from collections.abc import Iterable
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


def merge(limits: Iterable[RateLimit]) -> list[RateLimit]:
    """Limits of one category set and scope collapse to the longest, whose reason holds."""
    merged: dict[tuple[frozenset[str], str], RateLimit] = {}
    for limit in limits:
        key = frozenset(limit.categories), limit.scope
        known = merged.get(key)
        if known is None or limit.retry_after_seconds > known.retry_after_seconds:
            merged[key] = limit
    return list(merged.values())


def longest(limits: Iterable[RateLimit]) -> RateLimit:
    """The limit that lasts longest, whose reason an outcome gets; ValueError without any."""
    return max(limits, key=lambda limit: limit.retry_after_seconds)


def rate_limit_headers(limits: Iterable[RateLimit]) -> tuple[tuple[str, str], ...]:
    """Both headers for the limits of a refused request; none for no limits."""
    merged = merge(limits)
    if not merged:
        return ()
    seconds = math.ceil(longest(merged).retry_after_seconds)
    return ("x-sentry-rate-limits", ", ".join(map(str, merged))), ("retry-after", str(seconds))
