"""Guard CSV cells against formula injection."""

import unicodedata
from typing import Any, Final

_BREAKS: Final = frozenset("\t\r\n\x0b\x0c\x85\u2028\u2029")
# `=`, `+`, `-` and `@`, each also in full width and as a small form, and the mathematical minus
_SIGNS: Final = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212")
_INVISIBLE: Final = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))


def guarded_cell(value: Any) -> str:
    """Return a value as the text of a CSV cell, None as an empty one.

    An apostrophe is prepended to a text that a spreadsheet could interpret as a formula: one that starts with `=`,
    `+`, `-` or `@` (after byte order marks, zero-width characters or blanks), or with a tab or a line break.
    """
    text = "" if value is None else str(value)
    for character in text:
        if character in _SIGNS or character in _BREAKS:
            return "'" + text
        if unicodedata.category(character) not in _INVISIBLE:
            break
    return text
