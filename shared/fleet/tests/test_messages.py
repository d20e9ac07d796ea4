"""Payloads of strangers: read without NUL characters, however they are nested."""

from typing import Any

import orjson
import pytest
from hearback_fleet.messages import parse_payload, without_nul
from hearback_kit.values.lenient_json import DEPTH_MAX, read_leniently
from hearback_kit.values.nul import is_deeper_than
from hypothesis import example, given
from hypothesis import strategies as st

TEXT = st.text(st.sampled_from('\x00\x00\\\\u0"é'), max_size=12)
JSON = st.recursive(
    TEXT | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    return value


@given(st.dictionaries(TEXT, JSON, max_size=3))
def test_nul_is_removed_and_nothing_else(payload: dict[str, Any]) -> None:
    assert parse_payload(orjson.dumps(payload)) == cleaned(payload)


@pytest.mark.parametrize("payload", [b"{}", b'{"a":"\\\\u0000"}', b"\\", b"", b"\\\\\\\\u0000"])
def test_what_holds_no_nul_stays_as_it_is(payload: bytes) -> None:
    assert without_nul(payload) == payload


@pytest.mark.parametrize("depth", [10, 500, 1_000, 1_022])
def test_depth_does_not_matter(depth: int) -> None:
    for inner in (b"1", b'"\\u0000"'):
        assert parse_payload(b'{"x":' + b"[" * depth + inner + b"]" * depth + b"}") is not None


@pytest.mark.parametrize("payload", [None, b"", b"[]", b"1", b'"x"', b"{", b"{} {}", b"{" * 5_000, b"\xff"])
def test_what_is_no_object_is_none(payload: bytes | None) -> None:
    assert parse_payload(payload) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb'"It broke \ud83d"', "It broke ?"),  # a text cut inside an emoji
        (b'"It broke \xf0\x9f\x98"', "It broke \ufffd"),  # one cut inside a character
        (b'"m\xfcde"', "m\ufffdde"),  # another encoding
        (b'"two\nlines\tand\x01"', "two\nlines\tand\x01"),
        (rb'"\ud800\u0000"', "?"),
        (b"NaN", None), (b"-Infinity", None), (b"1e999", None), (b"9" * 400, None), (b"9" * 5_000, None),
        (b"999999999999999999", 10**18 - 1), (b"9223372036854774783", 2**63 - 1025),
        (b"18446744073709551616", 2**64), (b"-" + b"9" * 300, -1e300),
    ],
)  # fmt: skip
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b" \n"], ids=["plain", "mark", "blanks"])
def test_what_a_strict_decoder_refuses_is_read(start: bytes, written: bytes, read: Any) -> None:
    found = parse_payload(start + b'{"comments": %b, "name": "Ann \xff"}' % written)
    assert found == {"comments": read, "name": "Ann \ufffd"}
    orjson.dumps(found)


@given(st.binary(max_size=200) | st.dictionaries(TEXT, JSON).map(orjson.dumps))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}")
@example(rb'{"a": 1e400, "b": NaN, "c": "\ud800"}')
def test_every_payload_is_read_or_not(payload: bytes) -> None:
    found = read_leniently(payload)
    assert found is None or not is_deeper_than(found, DEPTH_MAX)
    orjson.dumps(found)
