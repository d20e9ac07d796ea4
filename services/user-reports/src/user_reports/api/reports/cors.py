"""CORS of the report endpoint: every origin, without credentials (protocol: authentication#cors)."""

import re
from typing import Final

from hearback_kit.api.cors import CorsRules

_PATH: Final = re.compile(r"/api/0/projects/[^/]+/[^/]+/user-feedback/?")
_RULES: Final = CorsRules(
    methods=("GET", "POST", "OPTIONS"),
    request_headers=("authorization", "content-type", "baggage", "sentry-trace", "traceparent", "tracestate"),
    exposed_headers=("link", "retry-after", "x-sentry-rate-limits"),
)


def cors_rules(path: str) -> CorsRules | None:
    """Return the rules of a path, or None where cross-origin requests are not allowed."""
    return _RULES if _PATH.fullmatch(path) else None
