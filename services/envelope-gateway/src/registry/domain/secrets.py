"""The written form of API tokens: a prefix that scanners know, 256 random bits, and a checksum."""

import base64
from typing import Final
from zlib import crc32

TOKEN_PREFIX: Final = "hbt_"
_RANDOM_LENGTH: Final = 43
_CHECKSUM_LENGTH: Final = 8


def format_token(random: bytes) -> str:
    """The token for 32 random bytes."""
    if len(random) != 32:
        raise ValueError("a token has 32 random bytes")
    text = base64.urlsafe_b64encode(random).decode().rstrip("=")
    return f"{TOKEN_PREFIX}{text}{crc32(text.encode()):08x}"


def is_token(text: str) -> bool:
    """Whether `text` was made by `format_token`, as far as its checksum tells."""
    if not text.isascii() or len(text) != len(TOKEN_PREFIX) + _RANDOM_LENGTH + _CHECKSUM_LENGTH:
        return False
    random, checksum = text[len(TOKEN_PREFIX) : -_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    return text.startswith(TOKEN_PREFIX) and checksum == f"{crc32(random.encode()):08x}"
