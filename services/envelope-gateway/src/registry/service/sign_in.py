"""Verify passwords and start sessions, with rate limits on attempts.

Attempts are limited per client address, and per account and address, which prevents password spraying without
locking the owner out. Attempts on one account from all addresses without a session of it share another limit.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hearback_kit.auth import hash_secret
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.errors import TooManyRequests
from hearback_kit.limits import Limit, LimitBatches
from hearback_kit.values.addresses import address_block

from registry import metrics
from registry.errors import WrongCredentials
from registry.service.hash_passwords import Passwords
from registry.settings import Settings
from registry.store import sessions, users
from registry.store.users import User


@dataclass(frozen=True, slots=True)
class Session:
    """A new session; its secret is not stored."""

    secret: str
    duration: timedelta


class SignIn:
    """Authenticates people."""

    def __init__(
        self, database: Database, passwords: Passwords, counters: LimitBatches, clock: Clock, settings: Settings
    ) -> None:
        self.passwords = passwords
        self._database = database
        self._counters = counters
        self._clock = clock
        self._settings = settings
        self._session_duration = timedelta(days=settings.session_days)

    async def authenticate(self, email: str, password: str, address: str | None) -> User:
        """Return the account of an address and a password; raise TooManyRequests or WrongCredentials."""
        await self.count_attempt(email, address)
        candidates = await self._database.read(users.list_users_by_email, email)
        user = await self.find_match(candidates, password)
        metrics.LOGINS.labels("accepted" if user else "refused").inc()
        if user is None:
            raise WrongCredentials
        return user

    async def find_match(self, candidates: Iterable[User], password: str) -> User | None:
        """Return the first account whose password matches; takes as long without candidates as with one."""
        candidates = list(candidates)
        if not candidates:
            await self.passwords.verify(None, password)
        for user in candidates:
            if await self.passwords.verify(user.password_hash, password):
                return user
        return None

    async def count_attempt(self, email: str, address: str | None) -> None:
        """Count an attempt; raise TooManyRequests."""
        block = address_block(address or "unknown")
        account = hashlib.sha256(email.lower().encode()).hexdigest()
        settings = self._settings
        limits = [
            Limit(f"login-address:{block}", settings.login_attempts_per_address, 60),
            Limit(f"login:{account}:{block}", settings.login_attempts_per_minute, 60),
        ]
        async with self._database.connection() as connection:
            if not await sessions.is_known_address(connection, email, block, self._clock.now()):
                limits.append(Limit(f"login-account:{account}", settings.login_attempts_per_account, 60))
        wait = await self._counters.retry_after(*limits)
        if wait:
            metrics.LOGINS.labels("limited").inc()
            raise TooManyRequests(f"Too many attempts. Try again in {wait} s.", headers={"Retry-After": str(wait)})

    async def begin_session(self, user: User, address: str | None) -> Session:
        return await self._database.write(self.add_session, user.id, address, self._clock.now())

    async def add_session(
        self, connection: Connection, user_id: int, address: str | None, now: datetime
    ) -> Session:
        """Start a session of an account within a transaction."""
        secret = secrets.token_urlsafe(32)
        await sessions.add_session(
            connection,
            user_id,
            hash_secret(secret),
            now,
            now + self._session_duration,
            address_block=address_block(address or "unknown"),
        )
        await users.note_use(connection, user_id, now)
        return Session(secret, self._session_duration)

    async def end_session(self, secret: str) -> None:
        await self._database.write(sessions.remove_session, hash_secret(secret))
