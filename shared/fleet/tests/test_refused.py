"""The words of refused submissions."""

from typing import Any

import orjson
import pytest
from hearback_fleet.refused import PAYLOAD_BYTES_MAX, payload_to_keep
from hypothesis import given
from hypothesis import strategies as st


def kept(payload: Any) -> Any:
    found = payload_to_keep(orjson.dumps(payload))
    assert found is not None
    assert payload_to_keep(payload) == found
    assert len(orjson.dumps(found)) <= PAYLOAD_BYTES_MAX
    return found


def test_a_payload_that_fits_is_kept_as_it_came():
    payload = {"event_id": "a" * 32, "comments": "It broke.", "more": [[[1]]]}
    assert kept(payload) == payload


def test_of_a_long_report_the_beginning_is_kept():
    found = kept({"event_id": "a" * 32, "comments": "w" * 100_000, "name": "Ann", "other": "x" * 100_000})
    assert found == {"event_id": "a" * 32, "comments": "w" * 60_000, "name": "Ann"}


def test_of_a_large_event_what_the_person_wrote_is_kept():
    feedback = {"message": "It broke.", "name": "Ann"}
    event = {"event_id": "a" * 32, "breadcrumbs": ["x" * 100_000], "tags": {"a": "b"}}
    found = kept(event | {"contexts": {"feedback": feedback, "os": {"name": "x" * 1_000}}})
    assert found == {"event_id": "a" * 32, "tags": {"a": "b"}, "contexts": {"feedback": feedback}}


def test_many_tags_push_no_words_out():
    tags = {f"tag{number}": "x" * 100 for number in range(5_000)}
    found = kept({"contexts": {"feedback": {"message": "\x01" * 100_000}}, "tags": tags})
    assert found == {"contexts": {"feedback": {"message": "\x01" * 600}}}


@pytest.mark.parametrize("body", [None, b"", b"[]", b"{", b"\xff"])
def test_of_what_is_no_object_nothing_is_kept(body):
    assert payload_to_keep(body) is None


def test_of_a_deeply_nested_payload_what_the_person_wrote_is_kept():
    nested = b"[" * 500 + b"]" * 500
    found = payload_to_keep(b'{"comments": "It broke.", "more": ' + nested + b"}")
    assert found == {"comments": "It broke."}


def test_what_json_cannot_hold_is_mended():
    found = payload_to_keep({"comments": "It \ud800 broke.", "event_id": 1 << 70, "more": 1 << 70})
    assert found == {"comments": "It ? broke.", "event_id": None}


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))  # a parsed payload has no NUL
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda parts: st.lists(parts) | st.dictionaries(TEXT, parts),
)


@given(st.dictionaries(st.sampled_from(["contexts", "tags", "user", "event_id", "comments"]), JSON))
def test_any_object_is_kept_within_the_bound(payload):
    padded = payload | {"padding": "x" * PAYLOAD_BYTES_MAX}
    kept(padded)
