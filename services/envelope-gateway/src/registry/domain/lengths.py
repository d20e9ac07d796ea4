"""The lengths of what people and clients enter, in characters."""

from typing import Final

NAME_LENGTH_MAX: Final = 200
SLUG_LENGTH_MAX: Final = 50
PLATFORM_LENGTH_MAX: Final = 64
EMAIL_LENGTH_MAX: Final = 254
PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 1_000
