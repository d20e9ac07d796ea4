"""Event ids, public keys and DSNs: their wire formats and normalized forms."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_PLAIN = re.compile(r"[0-9a-fA-F]{32}\Z")
_DASHED = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")
PUBLIC_KEY_LENGTH = 32
NO_EVENT_ID = "0" * 32
"""The id that SDKs return when they sent nothing: not an event."""


def parse_event_id(text: object) -> str | None:
    """Return an event id as 32 lower-case hex digits, or None.

    Accepts the plain and the 8-4-4-4-12 form in any case, and `{…}` or `urn:uuid:` around the dashed form
    (protocol: envelope#event-ids).
    """
    if not isinstance(text, str):
        return None
    if _PLAIN.match(text):
        return text.lower()
    if text.startswith("urn:uuid:"):
        text = text[9:]
    elif text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    if _DASHED.match(text):
        return text.replace("-", "").lower()
    return None


def report_event_id(payload_event_id: object, header_event_id: object) -> str | None:
    """Return the event id of a user report, or None without a valid one.

    The payload's takes precedence over the envelope header's, and any event over `NO_EVENT_ID`.
    """
    named = [found for text in (payload_event_id, header_event_id) if (found := parse_event_id(text))]
    return next((event_id for event_id in named if event_id != NO_EVENT_ID), named[0] if named else None)


def is_public_key(text: str) -> bool:
    """Return whether `text` can be a DSN's public key: exactly 32 ASCII characters (hex is not checked)."""
    return len(text) == PUBLIC_KEY_LENGTH and text.isascii()


@dataclass(frozen=True, slots=True)
class Dsn:
    """A DSN: `scheme://public_key@host[:port][/prefix]/project_id`."""

    scheme: str
    public_key: str
    host: str
    project_id: int
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.public_key}@{self.host}{self.prefix}/{self.project_id}"

    @classmethod
    def parse(cls, text: str) -> "Dsn":
        """Parse a DSN; raise ValueError if scheme, key, host or project id is missing or malformed."""
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError as error:
            raise ValueError("invalid DSN") from error
        if parts.scheme not in {"http", "https"}:
            raise ValueError("a DSN starts with http:// or https://")
        public_key = parts.username or ""
        if not is_public_key(public_key):
            raise ValueError("a DSN's public key has 32 characters")
        if not parts.hostname:
            raise ValueError("a DSN needs a host")
        prefix, _, project = parts.path.rstrip("/").rpartition("/")
        if not (project.isascii() and project.isdigit()) or int(project) >= 1 << 63:
            raise ValueError("a DSN ends in a numeric project id")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return cls(parts.scheme, public_key, f"{host}:{port}" if port else host, int(project), prefix)
