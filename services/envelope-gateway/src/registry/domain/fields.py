"""What people and clients enter: its lengths in characters, and the form of e-mail addresses."""

from typing import Final

NAME_LENGTH_MAX: Final = 200
SLUG_LENGTH_MAX: Final = 50
PLATFORM_LENGTH_MAX: Final = 64
EMAIL_LENGTH_MAX: Final = 254
PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 1_000
EMAIL_PATTERN: Final = r"^[!-?A-~]+@[!-?A-~]+$"  # visible ASCII around one `@`
