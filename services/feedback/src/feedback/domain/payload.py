"""A feedback event's JSON as SDKs really send it."""

import json
from math import isfinite
from typing import Any

DEPTH_MAX = 200
_DIGITS_MAX = 18  # so many always fit into 64 bits
_SUSPICIOUS_BRACKETS = DEPTH_MAX


def read_leniently(payload: bytes) -> dict[str, Any] | None:
    """Decode JSON that a strict decoder refuses; None when it is no JSON object or is nested too deep.

    NaN, infinities and what is as large become null; half surrogate pairs (a text cut inside an emoji)
    become `?`; NUL characters are removed.
    """
    try:
        value = json.loads(payload, parse_constant=lambda _: None, parse_float=_number, parse_int=_integer)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or is_too_deep(value):
        return None
    cleaned: dict[str, Any] = _clean(value)
    return cleaned


def _number(digits: str) -> float | None:
    number = float(digits)
    return number if isfinite(number) else None


def _integer(digits: str) -> float | None:
    """Return an integer; one of more than 64 bits, which could not be encoded again, as an inexact number."""
    if len(digits) <= _DIGITS_MAX:
        return int(digits)
    number = _number(digits)
    return number if number is None or abs(number) >= 1 << 63 else int(digits)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _clean_text(value)
    if isinstance(value, list):
        return [_clean(entry) for entry in value]
    if isinstance(value, dict):
        return {_clean_text(key): _clean(entry) for key, entry in value.items()}
    return value


def _clean_text(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def may_be_too_deep(payload: bytes) -> bool:
    """Return whether a payload has enough brackets to be nested deeper than `DEPTH_MAX`."""
    return payload.count(b"[") + payload.count(b"{") > _SUSPICIOUS_BRACKETS


def is_too_deep(value: Any) -> bool:
    """Return whether lists and objects are nested deeper than `DEPTH_MAX`."""
    level = [value]
    for _ in range(DEPTH_MAX):
        inner: list[Any] = []
        for entry in level:
            if isinstance(entry, dict):
                inner += [child for child in entry.values() if isinstance(child, dict | list)]
            elif isinstance(entry, list):
                inner += [child for child in entry if isinstance(child, dict | list)]
        if not inner:
            return False
        level = inner
    return True


def mapping(value: Any) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str | None:
    """Return a scalar as text, as ingestion spells it; None for null, lists and objects."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    return None
