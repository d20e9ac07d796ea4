"""Authenticate callers by bearer tokens and browser sessions, by introspection with a short cache.

The registry stores tokens only as SHA-256; services ask it and cache the answer for `fresh_seconds`, or
`stale_seconds` while the registry is unavailable.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from fastapi import Request

from hearback_kit.errors import Forbidden, Unavailable
from hearback_kit.shared_calls import SharedCalls

SESSION_COOKIE: Final = "hearback_session"
_AWAY_SECONDS: Final = 2.0  # after a failure, known callers do not wait for another one
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
Introspect = Callable[[str, str], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: its tenants with roles, and its scopes."""

    kind: str
    id: str
    email: str | None = None
    tenants: dict[int, str] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()


def credentials(request: Request) -> tuple[str, str] | None:
    """Return the kind (`token` or `session`) and secret that a request carries, or None."""
    header = request.headers.get("authorization", "")
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return "token", value.strip()
    session = request.cookies.get(SESSION_COOKIE)
    return ("session", session) if session and not header else None


def refuse_cross_site(request: Request) -> None:
    """Raise Forbidden for a cross-site request that changes something with a session cookie (CSRF).

    Browsers send `Sec-Fetch-Site`, older ones `Origin`, and pages can set neither. A request without both does not
    come from a page.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise Forbidden("Requests from other sites are refused.", code="cross_site")
        return
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != request.headers.get("host", "").lower():
        raise Forbidden("Requests from other sites are refused.", code="cross_site")


def hash_secret(secret: str) -> str:
    """Return the SHA-256 in hex by which a token or session is stored (the secrets have 256 bits)."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Authenticator:
    """Authenticates requests, asking the registry at most once per `fresh_seconds` and secret."""

    def __init__(
        self,
        introspect: Introspect,
        *,
        fresh_seconds: float = 1.0,
        stale_seconds: float = 300.0,
        entries_max: int = 10_000,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._introspect = introspect
        self._fresh_seconds = fresh_seconds
        self._stale_seconds = stale_seconds
        self._entries_max = entries_max
        self._known: OrderedDict[tuple[str, str], tuple[float, Principal | None]] = OrderedDict()
        self._ask_again_at = 0.0
        self._seconds = seconds
        self._questions: SharedCalls[tuple[str, str], Principal | None] = SharedCalls()

    async def authenticate(self, request: Request) -> Principal | None:
        """Return the caller, or None without valid credentials.

        Raise Unavailable if the registry cannot be asked, Forbidden for cross-site use of a session.
        """
        found = credentials(request)
        if found is None:
            return None
        kind, secret = found
        if kind == "session":
            refuse_cross_site(request)
        key = (kind, hash_secret(secret))
        now = self._seconds()
        known = self._known.get(key)
        if known and now - known[0] < self._fresh_seconds:
            return known[1]
        stale = known[1] if known and now - known[0] < self._stale_seconds else None
        if stale and now < self._ask_again_at:
            return stale
        try:
            return await self._questions.result(key, partial(self._ask, key))
        except Unavailable:
            self._ask_again_at = self._seconds() + _AWAY_SECONDS
            if stale:
                return stale
            raise

    async def person(self, request: Request) -> Principal | None:
        """Return the person of a browser's session, or None, also for a token. Raise as `authenticate`."""
        found = await self.authenticate(request)
        return found if found is not None and found.kind == "session" else None

    async def _ask(self, key: tuple[str, str]) -> Principal | None:
        asked_at = self._seconds()
        answer = await self._introspect(*key)
        principal = None if answer is None else _principal(answer)
        self._known[key] = (asked_at, principal)
        self._known.move_to_end(key)
        if len(self._known) > self._entries_max:
            self._known.popitem(last=False)
        return principal


def _principal(answer: dict[str, Any]) -> Principal:
    return Principal(
        kind=answer["kind"],
        id=str(answer["id"]),
        email=answer.get("email"),
        tenants={int(tenant): role for tenant, role in answer.get("tenants", {}).items()},
        scopes=frozenset(answer.get("scopes", ())),
    )
