"""Decode content encodings incrementally, within size limits (protocol: http#content-encodings)."""

import contextlib
import io
import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard
from hearback_kit.values.encodings import IDENTITY
from isal import isal_zlib

from envelope_gateway.domain.refusals import BODY_UNREADABLE, Refused

PIECE_BYTES = 256 * 1024
ZSTD_WINDOW_BYTES_MAX = 8 * 1024 * 1024
ZSTD_STEP_BYTES = 128
GZIP_BITS = 31
_WINDOW_BITS = {b"gzip": GZIP_BITS, b"x-gzip": GZIP_BITS, b"deflate": 15}
_ERRORS: tuple[type[Exception], ...] = (  # type: ignore[assignment]  # isal's stub has an instance
    isal_zlib.error,
    zlib.error,
    brotli.error,
    zstandard.ZstdError,
    EOFError,
)


class Source(Protocol):
    """Encoded bytes to read from."""

    def read(self, size: int = ..., /) -> bytes: ...


def encoding_of(header: bytes | None) -> bytes | None:
    """Return the encoding of a header, None for identity. Raise `Refused` (415) for an unknown one."""
    if header is None:
        return None
    name = header.strip().lower()
    if name in IDENTITY:
        return None
    if name in _WINDOW_BITS or name in {b"br", b"zstd"}:
        return name
    raise Refused(415, headers=(("accept-encoding", "gzip,deflate,br,zstd"),))


def decode_small(body: bytes, encoding: bytes, bytes_max: int) -> bytes | None:
    """Return a decoded body; None if it exceeds `bytes_max` bytes or needs `decode_pieces`."""
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        return None
    inflater = isal_zlib.decompressobj(wbits=bits)
    try:
        plain: bytes = inflater.decompress(body, bytes_max + 1)
    except _ERRORS as error:
        raise _corrupt() from error
    return plain if inflater.eof and len(plain) <= bytes_max and not inflater.unused_data else None


def decode_pieces(source: Source, encoding: bytes) -> Iterator[bytes]:
    """Yield decoded pieces of about 256 KiB. Raise `Refused` (400) when the stream is corrupt or incomplete."""
    decoders = {b"br": _brotli_pieces, b"zstd": _zstd_pieces}
    try:
        decoder = decoders.get(encoding)
        yield from decoder(source) if decoder else _zlib_pieces(source, _WINDOW_BITS[encoding])
    except _ERRORS as error:
        raise _corrupt() from error


def decode_start(encoded: bytes, encoding: bytes, bytes_max: int) -> bytes:
    """Decode the start of an incomplete body: its first line, or at least `bytes_max` bytes.

    The result is shorter if the stream is corrupt, or if no more can be decoded yet.
    """
    found = bytearray()
    with contextlib.suppress(Refused):
        for piece in decode_pieces(io.BytesIO(encoded), encoding):
            found += piece
            if len(found) >= bytes_max or piece.find(b"\n") >= 0:
                break
    return bytes(found)


def _corrupt() -> Refused:
    return Refused(400, BODY_UNREADABLE, plain=True)


def _zlib_pieces(source: Source, bits: int) -> Iterator[bytes]:
    """Decode one stream, or all members of a gzip body (RFC 1952)."""
    inflater = isal_zlib.decompressobj(wbits=bits)
    pending = b""
    while True:
        data = pending or source.read(PIECE_BYTES)
        piece = inflater.decompress(data, PIECE_BYTES)
        pending = inflater.unconsumed_tail
        if piece:
            yield piece
        elif not data:
            raise EOFError("the stream ends too early")
        if inflater.eof:
            pending = inflater.unused_data or source.read(PIECE_BYTES)
            if not pending or bits != GZIP_BITS:
                return
            inflater = isal_zlib.decompressobj(wbits=bits)


def _brotli_pieces(source: Source) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    while not decoder.is_finished():
        data = source.read(PIECE_BYTES) if decoder.can_accept_more_data() else b""
        starved = not data and decoder.can_accept_more_data()
        piece = decoder.process(data, output_buffer_limit=PIECE_BYTES)
        if piece:
            yield piece
        elif starved:
            raise EOFError("the stream ends too early")


def _zstd_pieces(source: Source) -> Iterator[bytes]:
    """Decode all frames of a body (RFC 8878).

    The input goes in small steps: four bytes can decode to 128 KiB, and the library has no limit of its own.
    """
    frames = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX)
    decoder = frames.decompressobj()
    is_between_frames = False
    while data := source.read(PIECE_BYTES):
        start = 0
        while start < len(data):
            step = data[start : start + ZSTD_STEP_BYTES]
            piece = decoder.decompress(step)
            start += len(step) - len(decoder.unused_data)
            is_between_frames = decoder.eof
            if decoder.eof:
                decoder = frames.decompressobj()
            if piece:
                yield piece
    if not is_between_frames:
        raise EOFError("the stream ends too early")
