"""Names of environments and releases, as every door reads them."""

import re
from functools import lru_cache
from typing import Final

ENVIRONMENT_LENGTH_MAX: Final = 64
RELEASE_LENGTH_MAX: Final = 200
_FORBIDDEN: Final = re.compile(r"[/\\\r\n\t\f]")


def environment_name(value: object) -> str | None:
    """Return a valid name of an environment without blanks around it, or None (protocol: limits#field-limits).

    Slashes, line breaks and tabs are in no name; `none`, `.` and `..` are none, and 64 characters are enough.
    """
    if not isinstance(value, str):
        return None
    name = value.strip()
    return _valid(name, "none") if len(name) <= ENVIRONMENT_LENGTH_MAX else None


def release_name(value: object) -> str | None:
    """Return a valid name of a release without blanks around it, or None (protocol: limits#field-limits).

    As with environments, but `latest` is none, numbers are taken as text, and 200 characters are enough.
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
