"""Validate names of environments, releases and levels."""

import re
from functools import lru_cache
from typing import Final

ENVIRONMENT_LENGTH_MAX: Final = 64
RELEASE_LENGTH_MAX: Final = 200
_LEVELS: Final = {name: name for name in ("debug", "info", "warning", "error", "fatal", "sample")} | {
    **{"log": "info", "warn": "warning", "critical": "fatal"},
    **{"10": "debug", "20": "info", "30": "warning", "40": "error", "50": "fatal"},  # of old clients
}
_FORBIDDEN: Final = re.compile(r"[/\\\r\n\t\f]")


def environment_name(value: object) -> str | None:
    """Return the stripped name of an environment, or None if it is invalid (protocol: limits#field-limits).

    Invalid are slashes, line breaks, tabs, the names `none`, `.` and `..`, and more than 64 characters.
    """
    if not isinstance(value, str):
        return None
    name = value.strip()
    return _valid(name, "none") if len(name) <= ENVIRONMENT_LENGTH_MAX else None


def release_name(value: object) -> str | None:
    """Return the stripped name of a release, or None if it is invalid (protocol: limits#field-limits).

    Like an environment, but the reserved name is `latest`, numbers become text, and 200 characters are allowed.
    """
    if value is None or isinstance(value, dict | list):
        return None
    name = str(value).strip()
    return _valid(name, "latest") if len(name) <= RELEASE_LENGTH_MAX else None


def level_name(value: object) -> str | None:
    """Return the name of a level, None for an absent one (protocol: limits#field-limits).

    Names may have any case; numbers are those of old clients; anything else is an `error`.
    """
    if value is None or value == "" or isinstance(value, dict | list):
        return None
    return _LEVELS.get(value if isinstance(value, str) else str(value)) or _LEVELS.get(str(value).lower(), "error")


@lru_cache(maxsize=4_096)  # an app sends the same few again and again
def _valid(name: str, reserved: str) -> str | None:
    if name in {"", ".", ".."} or name.lower() == reserved:
        return None
    return None if _FORBIDDEN.search(name) else name
