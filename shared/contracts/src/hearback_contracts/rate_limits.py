"""The headers `X-Sentry-Rate-Limits` and `Retry-After` (protocol: limits#rate-limit-headers)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A rate limit in force: categories (none: all), scope, seconds and reason."""

    retry_after_seconds: float
    categories: tuple[str, ...] = ()
    scope: str = "organization"
    reason_code: str | None = None

    def __str__(self) -> str:
        parts = [str(math.ceil(self.retry_after_seconds)), ";".join(self.categories), self.scope]
        if self.reason_code is not None:
            parts.append(self.reason_code)
        return ":".join(parts)


def merge(limits: Iterable[RateLimit]) -> list[RateLimit]:
    """Merge limits with the same categories and scope to the longest, with its reason."""
    merged: dict[tuple[frozenset[str], str], RateLimit] = {}
    for limit in limits:
        key = frozenset(limit.categories), limit.scope
        known = merged.get(key)
        if known is None or limit.retry_after_seconds > known.retry_after_seconds:
            merged[key] = limit
    return list(merged.values())


def longest(limits: Iterable[RateLimit]) -> RateLimit:
    """Return the longest limit, whose reason outcomes get; raise ValueError without any."""
    return max(limits, key=lambda limit: limit.retry_after_seconds)


def rate_limit_headers(limits: Iterable[RateLimit]) -> tuple[tuple[str, str], ...]:
    """Return both headers for the limits of a request; empty without limits."""
    merged = merge(limits)
    if not merged:
        return ()
    seconds = math.ceil(longest(merged).retry_after_seconds)
    return ("x-sentry-rate-limits", ", ".join(map(str, merged))), ("retry-after", str(seconds))
