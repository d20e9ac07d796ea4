"""Hash passwords with argon2id, in a bounded number of threads."""

import asyncio
import secrets
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from hearback_kit.errors import Unavailable


class Passwords:
    """Hashes and verifies passwords off the event loop.

    At most `at_once_max` hashes are computed at a time and `waiting_max` wait; others raise Unavailable.
    """

    def __init__(self, at_once_max: int, waiting_max: int) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._slots = asyncio.Semaphore(at_once_max)
        self._room = at_once_max + waiting_max
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        return str(await self._compute(self._hasher.hash, password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether a password matches a hash; None takes as long as a wrong password."""
        if stored is None:
            if self._decoy is None:
                self._decoy = await self.hash(secrets.token_urlsafe())
            await self._fits(self._decoy, password)
            return False
        return await self._fits(stored, password)

    async def _fits(self, stored: str, password: str) -> bool:
        try:
            return bool(await self._compute(self._hasher.verify, stored, password))
        except (Argon2Error, InvalidHashError):
            return False

    async def _compute(self, work: Callable[..., object], *arguments: str) -> object:
        if self._room <= 0:
            raise Unavailable("Too many people sign in at the moment; try again.", retry_after_seconds=1)
        self._room -= 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._room += 1
