"""The envelope header: its typed keys and their validation (protocol: envelope#envelope-headers)."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec
from hearback_contracts.identifiers import Dsn, parse_event_id
from hearback_kit.values.times import parse_rfc3339
from msgspec import UNSET, UnsetType

_RARE_TEXTS = ("client", "forwarded_for", "user_agent", "origin", "remote_addr")
_RARE_KEYS = frozenset({*_RARE_TEXTS, "version", "client_hints", "no_cache", "required_features"})
TYPED_KEYS = _RARE_KEYS | {"event_id", "dsn", "sent_at", "trace"}
SDK_LENGTH_MAX = 200
DRIFT_MIN = timedelta(minutes=55)
# Other clocks are not set at all (year 1, 1601, 9999): nothing can be corrected by them, nor computed with them.
SENT_AT_MIN = datetime(1970, 1, 1, tzinfo=UTC)
SENT_AT_MAX = datetime(3000, 1, 1, tzinfo=UTC)


class EnvelopeHeaders(msgspec.Struct):
    """The envelope header fields that the gateway uses; unknown keys are ignored."""

    event_id: str | None = None
    dsn: Dsn | None = None
    sent_at: datetime | None = None
    origin: str | None = None
    trace: dict[str, Any] | None = None
    sdk: str | None = None


class _FastHeaders(msgspec.Struct, forbid_unknown_fields=True):
    """The header as nearly all clients write it.

    Other keys are refused: the rare ones are typed, and the decoder does not validate values that it skips.
    """

    event_id: str | None = None
    sent_at: datetime | None = None
    dsn: str | UnsetType | None = UNSET
    trace: dict[str, Any] | UnsetType | None = UNSET
    sdk: dict[str, Any] | None = None


_decode_fast = msgspec.json.Decoder(_FastHeaders).decode


def parse_headers_fast(line: bytes) -> EnvelopeHeaders | None:
    """Return the header on a line, or None if it needs `parse_headers`."""
    if line.find(b"\\") >= 0 or line.count(b'"event_id"') > 1 or line.count(b'"sent_at"') > 1:
        return None  # a key may be repeated
    dsn: Dsn | None = None
    trace: dict[str, Any] | None = None
    try:
        found = _decode_fast(line)
        event_id, sent_at = found.event_id, found.sent_at
        if event_id is not None:
            event_id = parse_event_id(event_id)
            if event_id is None:
                return None
        if sent_at is not None and sent_at.tzinfo is not UTC:
            return None
        if found.dsn is not UNSET:
            if line.count(b'"dsn"') > 1:
                return None
            dsn = None if found.dsn is None else Dsn.parse(found.dsn)
        if found.trace is not UNSET:
            if line.count(b'"trace"') > 1:
                return None
            trace = found.trace
    except (ValueError, RecursionError):
        return None
    return EnvelopeHeaders(event_id, dsn, sent_at, None, trace, _sdk(found.sdk))


def parse_headers(values: dict[str, Any]) -> EnvelopeHeaders:
    """Validate the typed keys of a decoded header. Raise ValueError naming the invalid one."""
    headers = EnvelopeHeaders()
    found = values.get("event_id")
    if found is not None:
        headers.event_id = parse_event_id(found)
        if headers.event_id is None:
            raise ValueError("event_id: expected a UUID")
    found = values.get("sent_at")
    if found is not None:
        headers.sent_at = parse_rfc3339(found) if isinstance(found, str) else None
        if headers.sent_at is None:
            raise ValueError("sent_at: expected an RFC 3339 time with an offset")
    found = values.get("dsn")
    if found is not None:
        if not isinstance(found, str):
            raise ValueError("dsn: expected a string")
        headers.dsn = Dsn.parse(found)
    trace = values.get("trace")
    headers.trace = trace if isinstance(trace, dict) else None
    headers.sdk = _sdk(values.get("sdk"))
    if not _RARE_KEYS.isdisjoint(values):
        _check_rare(values)
        headers.origin = values.get("origin")
    return headers


def _sdk(value: object) -> str | None:
    """Return `name/version` of the header's `sdk`, which is free-form and never an error."""
    if not isinstance(value, dict):
        return None
    name = value.get("name")
    if not isinstance(name, str) or not name:
        return None
    version = value.get("version")
    text = f"{name}/{version}" if isinstance(version, str) and version else name
    return text.replace("\0", "")[:SDK_LENGTH_MAX]


def _check_rare(values: dict[str, Any]) -> None:
    for key in _RARE_TEXTS:
        found = values.get(key)
        if found is not None and not isinstance(found, str):
            raise ValueError(f"{key}: expected a string")
    version = values.get("version", 7)
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version < 1 << 16:
        raise ValueError("version: expected u16")
    if not isinstance(values.get("no_cache", False), bool):
        raise ValueError("no_cache: expected a boolean")
    if not isinstance(values.get("client_hints"), dict | None):
        raise ValueError("client_hints: expected an object")
    if not isinstance(values.get("required_features"), list | None):
        raise ValueError("required_features: expected an array")
    origin = values.get("origin")
    if origin is not None and not urlsplit(origin).scheme:
        raise ValueError("origin: relative URL without a base")
    address = values.get("remote_addr")
    if address is not None and address != "{{auto}}":
        ip_address(address)


def sent_at_if_drifted(sent_at: datetime | None, received_at: datetime) -> datetime | None:
    """Return `sent_at` if the sender's clock is off by 55 minutes or more (protocol: envelope#clock-drift)."""
    if sent_at is None or abs(received_at - sent_at) < DRIFT_MIN:
        return None
    return sent_at if SENT_AT_MIN <= sent_at < SENT_AT_MAX else None
