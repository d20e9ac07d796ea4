"""The form of e-mail addresses."""

import re
from typing import Final

EMAIL_PATTERN: Final = r"^[!-?A-~]+@[!-?A-~]+$"
_EMAIL: Final = re.compile(EMAIL_PATTERN)


def is_email_address(text: str) -> bool:
    """Return whether a text has the form of an address: visible ASCII around one `@`."""
    return bool(_EMAIL.fullmatch(text))
