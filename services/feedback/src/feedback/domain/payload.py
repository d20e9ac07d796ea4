"""Read values of a feedback event's JSON, which SDKs send in many types."""

from typing import Any

from hearback_kit.values.lenient_json import DEPTH_MAX

_SUSPICIOUS_BRACKETS = DEPTH_MAX


def may_be_too_deep(payload: bytes) -> bool:
    """Return whether a payload has enough brackets to be nested deeper than `DEPTH_MAX`."""
    return payload.count(b"[") + payload.count(b"{") > _SUSPICIOUS_BRACKETS


def mapping(value: Any) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str | None:
    """Return a scalar as the text that ingestion makes of it; None for null, lists and objects."""
    if value is None or isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None
