"""Text that people see: without blanks around it, and none if nothing of it is visible."""

import unicodedata
from typing import Final

# Blanks, control and format characters: among these a zero-width space and a byte order mark.
_INVISIBLE: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
# Letters without ink (Hangul fillers, the empty Braille pattern), a joiner, and what only selects a variant.
_WITHOUT_INK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\ufe0e\ufe0f")


def visible(text: str) -> str:
    """Return a text without blanks around it; an empty one if it has no visible character.

    Invisible characters among visible ones stay: emojis and many scripts need them.
    """
    stripped = text.strip()
    if "!" <= stripped[:1] <= "~":  # as nearly always
        return stripped
    return stripped if any(map(_is_visible, stripped)) else ""


def _is_visible(character: str) -> bool:
    return character not in _WITHOUT_INK and unicodedata.category(character) not in _INVISIBLE
