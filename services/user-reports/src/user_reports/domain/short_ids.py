"""Short ids of error groups, such as `WEB-ERR-7`; feedback of the same project has `WEB-7`."""

import re
from typing import Final

from hearback_kit.values.ids import ID_MAX, parse_id

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_ANY_SHORT_ID: Final = re.compile(r".+-[0-9a-zA-Z]{1,13}\Z", re.DOTALL)
_SHORT_ID: Final = re.compile(r"(.+)-ERR-([0-9A-Z]{1,13})\Z", re.DOTALL)


def short_id(project_slug: str, group_id: int) -> str:
    """Return a group's short id: the project's slug and the id in base 32."""
    text = ""
    while group_id:
        group_id, digit = divmod(group_id, 32)
        text = _DIGITS[digit] + text
    return f"{project_slug.upper()}-ERR-{text or '0'}"


def is_feedback_id(text: str) -> bool:
    """Return whether an issue's id or short id is a feedback's: even, or without `-ERR-`."""
    number = parse_id(text)
    if number is not None:
        return number % 2 == 0
    return parse_short_id(text) is None and _ANY_SHORT_ID.match(text) is not None


def parse_short_id(text: str) -> tuple[str, int] | None:
    """Return the project's lower-case slug and the group's id, or None for anything else; case-insensitive."""
    match = _SHORT_ID.match(text.upper()) if text.isascii() else None
    if match is None or not set(match[2]) <= set(_DIGITS):
        return None
    number = 0
    for digit in match[2]:
        number = number * 32 + _VALUES[digit]
    return (match[1].lower(), number) if number <= ID_MAX else None
