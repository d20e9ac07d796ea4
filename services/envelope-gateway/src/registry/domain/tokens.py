"""The format of API tokens: a prefix for secret scanners, 256 random bits, and a checksum."""

import base64
from typing import Final
from zlib import crc32

TOKEN_PREFIX: Final = "hbt_"


def format_token(random: bytes) -> str:
    """Return the token for 32 random bytes; raise ValueError for any other length."""
    if len(random) != 32:
        raise ValueError("a token has 32 random bytes")
    text = base64.urlsafe_b64encode(random).decode().rstrip("=")
    return f"{TOKEN_PREFIX}{text}{crc32(text.encode()):08x}"
