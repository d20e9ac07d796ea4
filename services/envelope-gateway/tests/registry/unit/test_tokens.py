from zlib import crc32

import pytest
from registry.domain.tokens import format_token


def test_a_token_has_a_prefix_its_random_part_and_a_checksum():
    token = format_token(bytes(range(32)))
    assert token.startswith("hbt_")
    random, checksum = token[4:-8], token[-8:]
    assert len(random) == 43
    assert checksum == f"{crc32(random.encode()):08x}"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_it_has_256_random_bits(length):
    with pytest.raises(ValueError, match="32 random bytes"):
        format_token(bytes(length))
