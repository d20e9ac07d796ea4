"""The NUL rule: texts with U+0000 are refused, as PostgreSQL cannot store them. Also: the depth of JSON."""

from collections.abc import Iterable
from typing import Any, Final

NUL: Final = "\x00"


def without_nul(text: str) -> str:
    """Return a text without its NUL characters."""
    return text.replace(NUL, "")


def has_nul(value: Any) -> bool:
    """Return whether any key or text in a decoded JSON value contains NUL."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            if NUL in current:
                return True
        elif isinstance(current, dict):
            waiting.extend(current)
            waiting.extend(current.values())
        elif isinstance(current, list | tuple):
            waiting.extend(current)
    return False


def is_deeper_than(value: Any, levels: int) -> bool:
    """Return whether lists and objects of a decoded JSON value nest more than `levels` deep (`[[1]]`: two)."""
    row = [value]
    for _ in range(levels):
        row = [child for item in row for child in _children(item)]
    return any(isinstance(item, dict | list | tuple) for item in row)


def _children(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list | tuple) else ()
