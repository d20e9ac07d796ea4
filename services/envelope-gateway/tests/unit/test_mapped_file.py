"""Bodies in files are searched and parsed exactly as bodies in memory."""

import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from envelope_gateway.api.bodies import spools as module
from envelope_gateway.api.bodies.spools import MappedFile
from envelope_gateway.domain.envelope import parse_envelope
from envelope_gateway.domain.multipart import find_parts
from envelope_gateway.domain.refusals import Refused
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

WINDOW = mmap.ALLOCATIONGRANULARITY
QUICK = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    monkeypatch.setattr(module, "WINDOW_BYTES", WINDOW)
    monkeypatch.setattr(module, "PIECE_BYTES", 0)


@contextmanager
def mapped(data: bytes) -> Iterator[MappedFile]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        with MappedFile(file.fileno(), len(data), access=mmap.ACCESS_READ) as found:
            yield found


@QUICK
@given(
    place=st.integers(0, 3 * WINDOW),
    needle=st.sampled_from([b"\n", b"ab", b"\r\n--frontier", b"x" * 300]),
    start=st.integers(0, 3 * WINDOW + 400),
    end=st.none() | st.integers(0, 4 * WINDOW),
)
@example(place=WINDOW - 1, needle=b"ab", start=0, end=None)
@example(place=2 * WINDOW - 150, needle=b"x" * 300, start=WINDOW, end=None)
@example(place=0, needle=b"\n", start=0, end=1)
@example(place=5, needle=b"ab", start=0, end=6)
def test_a_search_finds_what_bytes_find(place, needle, start, end):
    data = bytearray(3 * WINDOW + 400)
    data[place : place + len(needle)] = needle
    raw = bytes(data)
    with mapped(raw) as view:
        assert view.find(needle, start, end) == raw.find(needle, start, end)
        assert view.find(needle) == raw.find(needle)
        assert view[place : place + 5] == raw[place : place + 5], "dropped pages are read again"


def verdict(view):
    try:
        return [(item.type, item.start, item.end) for item in parse_envelope(view).items]
    except Refused as refused:
        return refused.causes[0]


line = st.sampled_from(
    [b'{"type":"x"}\n', b'{"type":"x","length":5000}\n', b'{"type":"x","length":3}\n', b"abc", b"\n", b" " * 5000]
)
filler = st.integers(0, 2 * WINDOW).map(lambda size: b"y" * size)


@QUICK
@given(st.lists(line | filler, max_size=8).map(b"".join))
def test_an_envelope_in_a_file_is_parsed_as_in_memory(rest):
    raw = b"{}\n" + rest
    with mapped(raw) as view:
        assert verdict(view) == verdict(raw)


@QUICK
@given(st.lists(filler, min_size=1, max_size=4))
def test_a_form_in_a_file_is_read_as_in_memory(contents):
    head = b'content-disposition: form-data; name="a"; filename="a"'
    raw = b"".join(b"--b\r\n%b\r\n\r\n%b\r\n" % (head, content) for content in contents) + b"--b--\r\n"
    with mapped(raw) as view:
        files = find_parts(view, b"b")
        assert files == find_parts(raw, b"b")
        assert [raw[file.start : file.end] for file in files] == contents
