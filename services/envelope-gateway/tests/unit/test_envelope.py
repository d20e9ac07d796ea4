"""The envelope parser: the tables of the reference, and what must hold for any bytes."""

import json
import tracemalloc

import pytest
from envelope_gateway.domain import envelope as module
from envelope_gateway.domain.envelope import parse_envelope
from envelope_gateway.domain.refusals import Refused
from hypothesis import given, settings
from hypothesis import strategies as st

ID = "9ec79c33ec9942ab8353589fcb2e04dc"
DASHED = "9ec79c33-ec99-42ab-8353-589fcb2e04dc"
DSN = "http://0123456789abcdef0123456789abcdef@h/1"


def items_of(body: bytes) -> list[tuple[str, bytes]]:
    return [(item.type, item.payload) for item in parse_envelope(body).items]


def cause_of(body: bytes) -> str:
    with pytest.raises(Refused) as caught:
        parse_envelope(body)
    assert (caught.value.status, caught.value.detail) == (400, "invalid event envelope")
    return caught.value.causes[0]


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (b"{}", []),
        (b"{}\n", []),
        (b"\n \t\r{}\n", []),
        (b'{}\n{"type":"x"}', [("x", b"")]),
        (b'{}\n{"type":"x"}\n', [("x", b"")]),
        (b'{}\n{"type":"x","length":0}', [("x", b"")]),
        (b'{}\n{"type":"x"}\nabc', [("x", b"abc")]),
        (b'{}\n{"type":"x"}\nabc\n', [("x", b"abc")]),
        (b'{}\n{"type":"x"}\nabc\r\n', [("x", b"abc\r")]),
        (b'{}\n{"type":"x","length":3}\nabc', [("x", b"abc")]),
        (b'{}\n{"type":"x","length":3}\na\nc\n', [("x", b"a\nc")]),
        (b'{}\n{"type":"x","length":4}\n\x00\xff\n\x00\n', [("x", b"\x00\xff\n\x00")]),
        (b'{}\n{"type":"x"}\na\n\n\n{"type":"y"}\nb', [("x", b"a"), ("y", b"b")]),
        (b'{\n "a": 1\n}\n{\n"type":\n"x"}\nabc', [("x", b"abc")]),
        (b'{}\n{"type":""}\nabc', [("", b"abc")]),
        (b'{}\n{"type":"wombat"}\nabc', [("wombat", b"abc")]),
        (b'{}\n{"type":"attachment","attachment_type":"wombat"}\nabc', [("attachment", b"abc")]),
        (b'{}\n{"type":"x","length":1,"length":3}\nabc', [("x", b"abc")]),
        (b'{"a":1,"a":2}\n{"type":"x","b":1,"b":2}\nabc', [("x", b"abc")]),
        (b'{}\n{"type":"x","filename":5,"content_type":{}}\nabc', [("x", b"abc")]),
        (b'{}\n{"type":"x","length":0}\n\n{"type":"y"}\nb', [("x", b""), ("y", b"b")]),
        (b'{"trace":5}\n', []),
        (b'{"trace":null,"dsn":null,"sent_at":null,"event_id":null}\n', []),
        ('{"x":"\\u00e9é{["}\n{"type":"x","f":"}\\""}\nabc'.encode(), [("x", b"abc")]),
    ],
)
def test_accepted(body, items):
    assert items_of(body) == items


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b" \n\t", "missing envelope header"),
        (b"[]", "invalid envelope header"),
        (b"null", "invalid envelope header"),
        (b'"x"', "invalid envelope header"),
        (b"x", "invalid envelope header"),
        (b"{", "invalid envelope header"),
        (b'{"a":"', "invalid envelope header"),
        (b"\xef\xbb\xbf{}", "invalid envelope header"),
        (b'{"a":NaN}', "invalid envelope header"),
        (b'{"a":1,}', "invalid envelope header"),
        (b'{"a":"\x01"}', "invalid envelope header"),
        (b'{"a":"\\ud800"}', "invalid envelope header"),
        (b'{"a":"\xff"}', "invalid envelope header"),
        (b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "invalid envelope header"),
        (b"{} \n", "missing newline after header or payload"),
        (b"{}\r\n", "missing newline after header or payload"),
        (b"{}{}", "missing newline after header or payload"),
        (b'{}\n{"type":"x"}\nabc\n\n', "unexpected end of file"),
        (b'{}\n{"type":"x"}\nabc\n \t', "unexpected end of file"),
        (b"{}\n\n", "unexpected end of file"),
        (b'{}\n{"type":"x"}\r\nabc', "missing newline after header or payload"),
        (b'{}\n{"type":"x","length":2}\nabc', "missing newline after header or payload"),
        (b'{}\n{"type":"x","length":0}\n{"type":"y"}\n', "missing newline after header or payload"),
        (b'{}\n{"type":"x","length":4}\nabc', "unexpected end of file"),
        (b'{}\n{"type":"x","length":18446744073709551615}\nabc', "unexpected end of file"),
        (b'{}\n{"type":"x","length":18446744073709551616}\nabc', "invalid item header"),
        (b'{}\n{"type":"x","length":null}\nabc', "invalid item header"),
        (b'{}\n{"type":"x","length":"3"}\nabc', "invalid item header"),
        (b'{}\n{"type":"x","length":-1}\nabc', "invalid item header"),
        (b'{}\n{"type":"x","length":1.5}\nabc', "invalid item header"),
        (b'{}\n{"type":"x","length":true}\nabc', "invalid item header"),
        (b"{}\n{}\nabc", "invalid item header"),
        (b'{}\n{"type":5}\nabc', "invalid item header"),
        (b'{}\n{"type":null}\nabc', "invalid item header"),
        (b"{}\n[]\nabc", "invalid item header"),
        (b"{}\nabc", "invalid item header"),
        (b'{}\n{"type":"x","type":"x"}\nabc', "invalid item header"),
        (b'{}\n{"type":"x","\\u0074ype":"x"}\nabc', "invalid item header"),
        (b'{}\n{"type":"x","a":NaN}\nabc', "invalid item header"),
    ],
)
def test_refused(body, cause):
    assert cause_of(body) == cause


@pytest.mark.parametrize("key", ["event_id", "sent_at", "trace", "dsn", "client", "no_cache"])
def test_a_typed_key_may_come_once(key):
    assert cause_of(b'{"%b":null,"%b":null}' % (key.encode(), key.encode())) == "invalid envelope header"


def test_a_typed_name_may_be_nested_again():
    body = b'{"event_id":"%b","sdk":{"event_id":1,"trace":2},"trace":{"dsn":1}}' % ID.encode()
    assert parse_envelope(body).headers.event_id == ID


def test_item_count_limit():
    body = b"{}" + b'\n{"type":"x"}\n' * 500
    assert len(items_of(body)) == 500
    assert cause_of(body + b'\n{"type":"x"}\n') == "too many individual items"


@pytest.mark.parametrize("text", [ID, ID.upper(), DASHED, DASHED.upper(), f"urn:uuid:{DASHED}", f"{{{DASHED}}}"])
def test_event_id_forms(text):
    assert parse_envelope(json.dumps({"event_id": text}).encode()).headers.event_id == ID


@pytest.mark.parametrize(
    "value", [5, "", " ", ID[:-1], ID + "0", f" {ID}", f"{{{ID}}}", "9ec79c33e-c99-42ab-8353-589fcb2e04dc"]
)
def test_event_id_refusals(value):
    assert cause_of(json.dumps({"event_id": value}).encode()) == "invalid envelope header"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T06:09:16Z", "2026-11-22T06:09:16.5Z", "2026-11-22T06:09:16.123456789Z",
        "2026-11-22 06:09:16Z", "2026-11-22T08:09:16+02:00", "2026-11-22T08:09:16+0200", "2026-11-22T06:09:16 Z",
        "2026-11-22T06:09:16 UTC", "2026-11-22T06:09:60Z",
    ],
)  # fmt: skip
def test_sent_at_forms(text):
    sent_at = parse_envelope(json.dumps({"sent_at": text}).encode()).headers.sent_at
    assert sent_at.strftime("%d %H") == "22 06"


@pytest.mark.parametrize("value", [5, 5.5, "", "2026-11-22T06:09:16", "now", "2026-13-22T06:09:16Z", {}])
def test_sent_at_refusals(value):
    assert cause_of(json.dumps({"sent_at": value}).encode()) == "invalid envelope header"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dsn", 5), ("dsn", "nonsense"), ("dsn", "ftp://0123456789abcdef0123456789abcdef@h/1"),
        ("dsn", "http://short@h/1"), ("dsn", "http://0123456789abcdef0123456789abcdef@h/web"), ("client", 5),
        ("version", "7"), ("version", 65536), ("origin", "no url"), ("remote_addr", "no address"),
        ("forwarded_for", {}), ("user_agent", []), ("client_hints", 5), ("no_cache", "yes"),
        ("required_features", {}),
    ],
)  # fmt: skip
def test_wrongly_typed_headers(key, value):
    assert cause_of(json.dumps({key: value}).encode()) == "invalid envelope header"


def test_headers_that_may_stand():
    header = {"dsn": DSN, "client": "x/1", "version": 7, "origin": "http://a.b", "remote_addr": "::1", "sdk": 5}
    headers = parse_envelope(json.dumps(header).encode()).headers
    assert (headers.dsn.project_id, headers.origin, headers.sdk) == (1, "http://a.b", None)


def verdict(body: bytes) -> object:
    try:
        found = parse_envelope(body)
    except Refused as refused:
        return refused.causes[0]
    return found.headers, [(item.type, item.headers, item.start, item.end) for item in found.items]


def exact_verdict(body: bytes) -> object:
    """The verdict of the exact parser alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "may_be_object", lambda _line: False)
        return verdict(body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
payloads = st.binary(max_size=64)
item_headers = st.dictionaries(st.text(max_size=8), values, max_size=3)


@given(
    st.dictionaries(st.text(max_size=8), values, max_size=3),
    st.lists(st.tuples(st.text(), item_headers, payloads), max_size=6),
    st.booleans(),
)
def test_round_trip(header, items, ascii_only):
    header = {f"x{key}": value for key, value in header.items()}
    body = json.dumps(header, ensure_ascii=ascii_only).encode()
    for kind, extra, payload in items:
        head = {f"x{key}": value for key, value in extra.items()} | {"type": kind, "length": len(payload)}
        body += b"\n" + json.dumps(head, ensure_ascii=ascii_only).encode() + b"\n" + payload
    assert items_of(body) == [(kind, payload) for kind, _, payload in items]
    assert verdict(body) == exact_verdict(body)


pieces = st.sampled_from(
    [
        b"{", b"}", b"[", b"]", b'"', b"\\", b"\n", b"\r", b" ", b",", b":", b"1", b"null", b"NaN", b"\xff",
        b"\x00",
        b"1e999", b'"sdk":{"name":"a","x":', b'"x":',
        b"{}", b'{"type":"x"}', b'"type":"x"', b'"length":2', b'"length":0', b'"event_id":"' + ID.encode() + b'"',
        b'"trace":{}', b'"sent_at":"2026-11-22T06:09:16Z"', b"\xc3\xa9", b"abc", b"{}\n", b'{}\n{"type":"x"}\n',
    ]
)  # fmt: skip


@given(st.lists(pieces, max_size=24).map(b"".join) | st.binary(max_size=200))
@settings(max_examples=500)
def test_no_bytes_crash_the_parser_and_both_parsers_agree(body):
    assert verdict(body) == exact_verdict(body)


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 255))
def test_a_flipped_byte_never_crashes(payload, place, byte):
    body = bytearray(
        b'{"event_id":"%b","trace":{"a":"b"}}\n{"type":"feedback","length":%d}\n%b'
        % (ID.encode(), len(payload), payload)
    )
    body[place % len(body)] = byte
    assert verdict(bytes(body)) == exact_verdict(bytes(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + b'\\"' * 1_000_000,
        b"{" * 1_000_000,
        b'{"a":' * 200_000,
        b'"' * 1_000_000,
        b" " * 1_000_000,
        b'{}\n{"type":"x","a":"' + b"\\" * 1_000_000,
        b"{}" + b'\n{"type":"x"}\n' * 500_000,
    ],
    ids=["quotes", "braces", "deep", "bare quotes", "blanks", "backslashes", "items"],
)
@pytest.mark.timeout(60)
def test_hostile_bodies_cost_bounded_memory_and_time(body):
    tracemalloc.start()
    verdict(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
