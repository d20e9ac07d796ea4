"""Decode invalid JSON that clients send, repairing what cannot be stored; the same for all endpoints."""

import json
from math import isfinite
from typing import Any, Final

from hearback_kit.values.nul import is_deeper_than, without_nul

DEPTH_MAX: Final = 200
_DIGITS_MAX: Final = 18  # so many always fit into 64 bits


def read_leniently(payload: bytes, *, takes_nan: bool = True) -> dict[str, Any] | None:
    """Decode JSON that a strict decoder refuses; None if it is not a JSON object or nested too deep.

    NaN, infinities and overflowing numbers become null (without `takes_nan`, NaN and infinities are errors). Lone
    surrogates (a text truncated inside an emoji) become `?`, invalid UTF-8 `U+FFFD`. NUL characters are removed,
    raw control characters and a byte order mark are accepted.
    """
    text = payload.decode("utf-8-sig", "replace")
    try:
        value = json.loads(
            text,
            strict=False,
            parse_constant=_nothing if takes_nan else _refuse,
            parse_float=_number,
            parse_int=_integer,
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or is_deeper_than(value, DEPTH_MAX):
        return None
    cleaned: dict[str, Any] = _clean(value)
    return cleaned


def _nothing(_name: str) -> None:
    return None


def _refuse(name: str) -> None:
    raise ValueError(name)


def _number(digits: str) -> float | None:
    number = float(digits)
    return number if isfinite(number) else None


def _integer(digits: str) -> float | None:
    """Return an integer; one of more than 64 bits, which cannot be encoded again, as a float."""
    if len(digits) <= _DIGITS_MAX:
        return int(digits)
    number = _number(digits)
    return number if number is None or abs(number) >= 1 << 63 else int(digits)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(entry) for entry in value]
    if isinstance(value, dict):
        return {clean_text(key): _clean(entry) for key, entry in value.items()}
    return value


def clean_text(text: str) -> str:
    """Return text without NUL characters and lone surrogates, which PostgreSQL does not accept."""
    if text.isascii() and "\0" not in text:
        return text
    return without_nul(text).encode("utf-8", "replace").decode()
