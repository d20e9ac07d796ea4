"""The query of the dialog."""

import pytest
from crash_embed.domain.parameters import parse_dsn, parse_query, read_event_id
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"http://{'a' * 32}@host/1", ("a" * 32, 1)),
        (f"https://{'a' * 32}:secret@host:9/path/prefix/42/", ("a" * 32, 42)),
        (None, None),
        ("", None),
        ("http://short@host/1", None),
        (f"http://{'a' * 32}@host/", None),
        (f"http://{'a' * 32}@host/web", None),
        (f"http://{'a' * 32}@host/{'9' * 20}", None),
        (f"http://{'a' * 31}\x00@host/1", None),
        (f"http://{'é' * 32}@host/1", None),
        (f"http://{'a' * 32}@[::1/1", None),
    ],
)
def test_dsn_is_read(text: str | None, found: tuple[str, int] | None) -> None:
    dsn = parse_dsn(text)
    assert (dsn and (dsn.public_key, dsn.project_id)) == found


def test_query_takes_the_last_value_and_never_fails() -> None:
    assert parse_query(b"a=1&a=2&b=&=x&c") == {"a": "2", "b": "", "": "x", "c": ""}
    assert parse_query(b"a=%FF&b=" + "ü".encode()) == {"a": "�", "b": "ü"}
    assert len(parse_query(b"&".join(b"k%d=1" % i for i in range(5_000)))) <= 256
    assert read_event_id({}) is None
    assert read_event_id({"eventId": ""}) == ""
    assert read_event_id({"eventId": "01234567-89AB-cdef-0123-456789abcdef"}) == "0123456789abcdef0123456789abcdef"


@given(st.binary(max_size=300))
def test_any_query_can_be_read(query: bytes) -> None:
    parameters = parse_query(query)
    parse_dsn(parameters.get("dsn"))
    read_event_id(parameters)
