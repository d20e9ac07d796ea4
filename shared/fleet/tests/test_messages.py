"""Payloads of strangers: read without NUL characters, however they are nested."""

from typing import Any

import orjson
import pytest
from hearback_fleet.messages import parse_payload, without_nul
from hypothesis import given
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


@pytest.mark.parametrize("payload", [None, b"", b"[]", b"1", b'"x"', b"{", b"{} {}", b"{" * 5_000, b"[" * 5_000])
def test_what_is_no_object_is_none(payload: bytes | None) -> None:
    assert parse_payload(payload) is None
