"""CSRF tokens. Their key is derived from the fleet's secret, so that any service accepts the form of another."""

import base64
import hmac
import secrets
from typing import Final

_TOKEN_BYTES: Final = 32


class CsrfTokens:
    """Creates and verifies CSRF tokens, each bound to a `holder`, the browser's cookie."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"hearback csrf", "sha256")

    def make(self, holder: str) -> str:
        """Return a token for a browser.

        It differs each time, so that the length of compressed pages reveals nothing about it (BREACH).
        """
        mask = secrets.token_bytes(_TOKEN_BYTES)
        masked = _xor(mask, hmac.digest(self._key, holder.encode(), "sha256"))
        return base64.urlsafe_b64encode(mask + masked).decode().rstrip("=")

    def is_valid(self, holder: str, token: str) -> bool:
        """Return whether a token is valid for a browser."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return False
        if len(raw) != 2 * _TOKEN_BYTES:
            return False
        expected = hmac.digest(self._key, holder.encode(), "sha256")
        return hmac.compare_digest(_xor(raw[:_TOKEN_BYTES], raw[_TOKEN_BYTES:]), expected)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))
