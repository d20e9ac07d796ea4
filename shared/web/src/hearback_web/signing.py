"""CSRF tokens, and signed values for short-lived cookies.

The keys are derived from the fleet's secret, so that a form of one service is accepted by another.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Self

_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Signer:
    """Creates and verifies tokens and signatures."""

    csrf_key: bytes
    flash_key: bytes

    @classmethod
    def of(cls, secret: str) -> Self:
        """Derive the keys from the fleet's secret."""
        return cls(
            hmac.digest(secret.encode(), b"hearback csrf", "sha256"),
            hmac.digest(secret.encode(), b"hearback flash", "sha256"),
        )

    def csrf_token(self, holder: str) -> str:
        """Return a CSRF token bound to `holder`, the browser's cookie.

        It differs each time, so that the length of compressed pages reveals nothing about it (BREACH).
        """
        mask = secrets.token_bytes(_TOKEN_BYTES)
        masked = _xor(mask, hmac.digest(self.csrf_key, holder.encode(), "sha256"))
        return base64.urlsafe_b64encode(mask + masked).decode().rstrip("=")

    def is_csrf_token(self, holder: str, token: str) -> bool:
        """Return whether a token is valid for this browser."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return False
        if len(raw) != 2 * _TOKEN_BYTES:
            return False
        expected = hmac.digest(self.csrf_key, holder.encode(), "sha256")
        return hmac.compare_digest(_xor(raw[:_TOKEN_BYTES], raw[_TOKEN_BYTES:]), expected)

    def sign(self, value: bytes, holder: str) -> str:
        """Return a value with its signature, bound to `holder`, the browser's cookie."""
        return f"{base64.urlsafe_b64encode(value).decode()}.{self._signature(value, holder)}"

    def read(self, text: str, holder: str) -> bytes | None:
        """Return the signed value, or None if the signature is invalid or another browser's."""
        encoded, _, signature = text.partition(".")
        try:
            value = base64.urlsafe_b64decode(encoded)
        except ValueError:
            return None
        known = self._signature(value, holder)
        return value if hmac.compare_digest(signature.encode(), known.encode()) else None

    def _signature(self, value: bytes, holder: str) -> str:
        digest = hmac.new(self.flash_key, holder.encode() + b"\x00" + value, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:18]).decode()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))
