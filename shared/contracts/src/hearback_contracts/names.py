"""Validate names of environments and releases."""

import re
from functools import lru_cache
from typing import Final

ENVIRONMENT_LENGTH_MAX: Final = 64
RELEASE_LENGTH_MAX: Final = 200
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


@lru_cache(maxsize=4_096)  # an app sends the same few again and again
def _valid(name: str, reserved: str) -> str | None:
    if name in {"", ".", ".."} or name.lower() == reserved:
        return None
    return None if _FORBIDDEN.search(name) else name
