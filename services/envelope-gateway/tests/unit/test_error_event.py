"""From error events to what the index needs: every spelling, and never a crash."""

import json
from datetime import UTC, datetime

import pytest
from envelope_gateway.domain.error_event import is_feedback, reduce_event
from envelope_gateway.domain.event_payload import decode_event, decode_event_lenient
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
REPLAY = "9ec79c33ec9942ab8353589fcb2e04dc"


def reduce(event: object, trace: dict | None = None) -> dict:
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    return reduce_event(decode_event(payload), NOW, "203.0.113.9", trace)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1764000000.5, "2025-11-24T16:00:00.500000+00:00"),
        (1764000000, "2025-11-24T16:00:00+00:00"),
        ("1764000000", "2025-11-24T16:00:00+00:00"),
        ("2026-11-22T05:47:44", "2026-11-22T05:47:44+00:00"),
        ("2026-11-22T05:47:44Z", "2026-11-22T05:47:44+00:00"),
        ("2026-11-22T05:47:44.123456789Z", "2026-11-22T05:47:44.123456+00:00"),
        ("2026-11-22 07:47:44+02:00", "2026-11-22T05:47:44+00:00"),
        (None, NOW.isoformat()),
        ("garbage", NOW.isoformat()),
        (-5, NOW.isoformat()),
        (1e300, NOW.isoformat()),
        (True, NOW.isoformat()),
        ([], NOW.isoformat()),
    ],
    ids=repr,
)
def test_timestamps(value, expected):
    assert reduce({"timestamp": value})["timestamp"].isoformat() == expected


@pytest.mark.parametrize(
    ("event", "message", "template"),
    [
        ({"message": "a"}, "a", "a"),
        ({"logentry": {"message": "a %s", "formatted": "a b"}}, "a b", "a %s"),
        ({"message": {"message": "a %s", "formatted": "a b"}}, "a b", "a %s"),
        ({"sentry.interfaces.Message": {"message": "a %s"}, "message": "a b"}, "a %s", "a %s"),
        ({"message": 5}, "5", "5"),
        ({}, None, None),
    ],
)
def test_messages(event, message, template):
    found = reduce(event)
    assert (found["message"], found["message_template"]) == (message, template)


FRAME = {"function": "f", "in_app": True}
EXCEPTION = {"type": "E", "value": "v", "stacktrace": {"frames": [FRAME]}}
ODD_FRAME = EXCEPTION | {"stacktrace": {"frames": [FRAME | {"module": {}}]}}


@pytest.mark.parametrize(
    "spelling", [{"values": [EXCEPTION]}, [EXCEPTION], ODD_FRAME, {"values": [None, EXCEPTION]}]
)
def test_exception_spellings(spelling):
    [found] = reduce({"exception": spelling})["exceptions"]
    assert (found.type, found.value) == ("E", "v")
    assert [(frame.function, frame.in_app) for frame in found.frames] == [("f", True)]


@pytest.mark.parametrize("odd", [{}, {"level": []}, {"user": "odd", "request": 5, "exception": "odd"}], ids=repr)
@pytest.mark.parametrize(
    "spelling", [{"values": [EXCEPTION]}, [EXCEPTION], EXCEPTION], ids=["values", "list", "one"]
)
def test_names_of_old_clients_are_read_whatever_else_is_odd(spelling, odd):
    found = reduce(
        odd
        | {
            "sentry.interfaces.Exception": spelling,
            "sentry.interfaces.User": {"id": 7, "email": "ada@example.com"},
            "sentry.interfaces.Http": {"url": "https://example.com/cart"},
        }
    )
    assert [exception.type for exception in found["exceptions"]] == ["E"]
    assert (found["user"].id, found["user"].email) == ("7", "ada@example.com")
    assert found["url"] == "https://example.com/cart"


def test_names_of_today_win_over_those_of_old_clients():
    found = reduce(
        {
            "exception": [EXCEPTION],
            "sentry.interfaces.Exception": [{"type": "Old"}],
            "user": {"id": "1"},
            "sentry.interfaces.User": {"id": "2"},
            "request": {"url": "https://new.example.com"},
            "sentry.interfaces.Http": {"url": "https://old.example.com"},
        }
    )
    assert ([one.type for one in found["exceptions"]], found["user"].id) == (["E"], "1")
    assert found["url"] == "https://new.example.com"


def test_the_newest_frames_and_exceptions_are_kept():
    frames = [{"function": f"f{number}"} for number in range(80)]
    values = [{"type": f"E{number}", "stacktrace": {"frames": frames}} for number in range(12)]
    found = reduce({"exception": {"values": values}})["exceptions"]
    assert (len(found), found[-1].type) == (10, "E11")
    assert (len(found[0].frames), found[0].frames[-1].function) == (50, "f79")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"a": "b"}, {"a": "b"}),
        ([["a", "b"], ["c", 1]], {"a": "b", "c": "1"}),
        ({"a": True, "b": None, "c": {}, "d\n": "x", "release": "r"}, {"a": "True"}),
        ([["a"], "b", None], {}),
        ({"k" * 300: "v" * 300}, {"k" * 197 + "...": "v" * 197 + "..."}),
        ("nonsense", {}),
    ],
)
def test_tags(tags, expected):
    assert reduce({"tags": tags})["tags"] == expected


def test_user_and_address():
    user = reduce({"user": {"id": 5, "email": " a@b.c\n", "ip_address": "{{auto}}", "username": "u"}})["user"]
    assert (user.id, user.email, user.ip_address, user.username) == ("5", "a@b.c", "203.0.113.9", "u")
    assert reduce({"user": "odd"})["user"] is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [(" prod ", "prod"), ("a/b", None), ("none", None), ("None", None), ("", None), (5, None), ("x" * 65, None)],
)
def test_environments(name, expected):
    assert reduce({"environment": name})["environment"] == expected


def test_environment_falls_back_to_its_tag():
    found = reduce({"tags": {"environment": "staging"}})
    assert (found["environment"], found["tags"]) == ("staging", {})


@pytest.mark.parametrize(("name", "expected"), [(" a@1 ", "a@1"), (1.5, "1.5"), ("latest", None), ("a/b", None)])
def test_releases(name, expected):
    assert reduce({"release": name})["release"] == expected


def test_replay_and_trace():
    event = {
        "contexts": {"replay": {"replay_id": "1" * 32}, "trace": {"trace_id": "t", "span_id": "s", "data": {}}}
    }
    assert reduce(event)["replay_id"] == "1" * 32
    assert reduce(event, {"replay_id": "0" * 32})["replay_id"] == "1" * 32
    assert reduce(event)["trace"] == {"trace_id": "t", "span_id": "s"}
    assert reduce(event, {"replay_id": REPLAY})["replay_id"] == REPLAY
    assert reduce({}, {"trace_id": "h"})["trace"] == {"trace_id": "h"}


@pytest.mark.parametrize(("level", "expected"), [("fatal", "fatal"), (40, "error"), (None, None), (41, "error")])
def test_levels(level, expected):
    assert reduce({"level": level})["level"] == expected


def test_nul_characters_are_removed_everywhere():
    event = {
        "message": "a\0b",
        "tags": {"k\0": "v\0"},
        "user": {"email": "a\0@b.c"},
        "exception": {"values": [{"type": "E\0", "stacktrace": {"frames": [{"function": "f\0"}]}}]},
        "transaction": "t\0",
        "contexts": {"trace": {"trace_id": "t\0"}},
        "fingerprint": ["a\0"],
    }
    payload = decode_event_lenient(json.dumps(event).encode())
    found = reduce_event(payload, NOW, None, None)
    assert "\0" not in repr([found, [(e, e.frames) for e in found["exceptions"]]]).replace("\\x00", "\0")


@pytest.mark.parametrize("payload", [b"", b"[]", b"5", b"{", b"\xff", b"[" * 99_999, b'{"a":' * 99_999])
def test_what_is_no_object_raises_value_error(payload):
    with pytest.raises(ValueError):  # noqa: PT011
        decode_event(payload)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "feedback", "contexts": {"feedback": {"message": "hi"}}}, True),
        ({"type": "feedback", "contexts": {"feedback": {"message": "a\0"}}}, True),
        ({"type": "feedback", "contexts": {"feedback": None}}, False),
        ({"type": "feedback"}, False),
        ({"type": "error", "contexts": {"feedback": {}}}, False),
    ],
)
def test_feedback_in_an_events_clothes(event, expected):
    assert is_feedback(decode_event(json.dumps(event).encode())) is expected


odd = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["values", "frames", "stacktrace", "type", "url", "id", "message"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)
names = st.sampled_from(
    [
        "type", "timestamp", "environment", "release", "dist", "platform", "level", "logger", "transaction",
        "culprit", "message", "logentry", "request", "user", "tags", "contexts", "fingerprint", "exception",
        "event_id",
    ]
)  # fmt: skip


@given(st.dictionaries(names, odd, max_size=8))
def test_odd_fields_cost_themselves_not_the_event(event):
    found = reduce(event)
    assert isinstance(found["timestamp"], datetime)
    assert all(isinstance(value, str) for value in found["tags"].values())
