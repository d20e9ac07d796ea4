"""Signed texts, such as of cookies and links."""

import base64
import hmac


class Signer:
    """Signs texts for one purpose, with a key derived from the fleet's secret."""

    def __init__(self, secret: str, purpose: str) -> None:
        self._key = hmac.digest(secret.encode(), purpose.encode(), "sha256")

    def sign(self, text: str, holder: str = "") -> str:
        """Return the text with its signature, which is valid only for the same `holder`, such as a cookie."""
        return f"{text}.{self._signature(text, holder)}"

    def read(self, signed: str, holder: str = "") -> str | None:
        """Return the text, or None if its signature is invalid or another holder's."""
        text, _, signature = signed.rpartition(".")
        known = self._signature(text, holder)
        return text if hmac.compare_digest(signature.encode(), known.encode()) else None

    def _signature(self, text: str, holder: str) -> str:
        message = f"{holder}\0{text}" if holder else text
        return base64.urlsafe_b64encode(hmac.digest(self._key, message.encode(), "sha256")[:18]).decode()
