"""Content encodings: every stream to its end, in pieces, and nothing beyond it that is not one."""

import gzip
import io
import os
import zlib

import brotli
import pytest
import zstandard
from envelope_gateway.api.bodies.encodings import PIECE_BYTES, decode_pieces, decode_small, encoding_of
from envelope_gateway.domain.refusals import Refused

COMPRESS = {b"gzip": gzip.compress, b"deflate": zlib.compress, b"br": brotli.compress, b"zstd": zstandard.compress}
SIZES = [0, 1, 127, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7]


class Dripping(io.BytesIO):
    """Gives one byte at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 1, 1))


def decoded(body: bytes, encoding: bytes) -> bytes:
    pieces = list(decode_pieces(io.BytesIO(body), encoding))
    assert all(len(piece) <= 8 * PIECE_BYTES for piece in pieces)
    return b"".join(pieces)


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("size", SIZES)
def test_whole_streams(encoding, size):
    for plain in (os.urandom(size), b"a" * size):
        assert decoded(COMPRESS[encoding](plain), encoding) == plain


@pytest.mark.parametrize("encoding", COMPRESS)
def test_streams_that_come_byte_by_byte(encoding):
    plain = os.urandom(500)
    assert b"".join(decode_pieces(Dripping(COMPRESS[encoding](plain)), encoding)) == plain


@pytest.mark.parametrize("encoding", [b"gzip", b"zstd"])
@pytest.mark.parametrize("size", [1, 100, 2 * PIECE_BYTES])
def test_several_members_are_one_body(encoding, size):
    first, second = os.urandom(size), b"b" * size
    body = COMPRESS[encoding](first) + COMPRESS[encoding](second)
    assert decoded(body, encoding) == first + second
    assert decode_small(body, encoding, 10 * size) is None, "left to the slow way"


@pytest.mark.parametrize("encoding", [b"gzip", b"zstd"])
@pytest.mark.parametrize("tail", ["junk", "cut"])
def test_a_broken_member_is_refused_with_the_whole_body(encoding, tail):
    whole = COMPRESS[encoding](b"whole")
    body = whole + {"junk": b"\x07junk" * 9, "cut": whole[:-3]}[tail]
    with pytest.raises(Refused) as caught:
        decoded(body, encoding)
    assert (caught.value.status, caught.value.plain) == (400, True)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_every_cut_is_noticed(encoding):
    body = COMPRESS[encoding](os.urandom(300))
    for end in range(len(body)):
        with pytest.raises(Refused):
            decoded(body[:end], encoding)


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        (None, None), (b"", None), (b" ", None), (b"identity", None), (b"UTF-8", None), (b"gzip", b"gzip"),
        (b" GZIP ", b"gzip"), (b"x-gzip", b"x-gzip"), (b"deflate", b"deflate"), (b"br", b"br"),
        (b"zstd", b"zstd"),
    ],
)  # fmt: skip
def test_names(header, encoding):
    assert encoding_of(header) == encoding


@pytest.mark.parametrize("header", [b"snappy", b"gzip,br", b"gzip, gzip", b"identity, gzip", b"gzip;q=1"])
def test_unknown_names(header):
    with pytest.raises(Refused) as caught:
        encoding_of(header)
    assert caught.value.status == 415
