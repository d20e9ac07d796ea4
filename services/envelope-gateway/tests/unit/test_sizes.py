"""Size and count limits: at each limit and one past it (protocol: limits#sizes-and-counts)."""

import pytest
from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.sizes import KIB, MIB, Limits, find_too_large, limit_name, surplus_client_reports

LIMITS = Limits()


def item(kind: str, size: int = 0, **headers: object) -> Item:
    return Item(kind, {"type": kind, **headers}, b"", 0, size)


def verdict(*items: Item, limits: Limits = LIMITS) -> str | None:
    found = find_too_large(list(items), limits)
    return None if found is None else limit_name(found)


ITEM_SIZES = [
    ("event", MIB, "event"),
    ("transaction", MIB, "transaction"),
    ("feedback", MIB, "user_report_v2"),
    ("security", MIB, "security"),
    ("raw_security", MIB, "security"),
    ("replay_event", MIB, "replay_event"),
    ("form_data", MIB, "form_data"),
    ("user_report", MIB, "user_report"),
    ("attachment", 200 * MIB, "attachment:attachment"),
    ("unreal_report", 200 * MIB, "unreal_report"),
    ("check_in", 100 * KIB, "check_in"),
    ("session", 10 * MIB, "session"),
    ("sessions", 10 * MIB, "sessions"),
    ("profile", 50 * MIB, "profile"),
    ("profile_chunk", 50 * MIB, "profile_chunk"),
    ("profile_chunk_ui", 50 * MIB, "profile_chunk"),
    ("replay_recording", 10 * MIB, "replay_recording"),
    ("replay_video", 10 * MIB, "replay_video"),
    ("log", 12 * MIB, "log"),
    ("trace_metric", 12 * MIB, "trace_metric"),
    ("span", 10 * MIB, "span"),
]


@pytest.mark.parametrize(("kind", "size", "name"), ITEM_SIZES)
def test_one_item(kind, size, name):
    assert verdict(item(kind, size)) is None
    assert verdict(item(kind, size + 1)) == name


COUNTS = [
    ("event", 1), ("feedback", 1), ("transaction", 1), ("attachment", 30), ("unreal_report", 30),
    ("user_report", 30), ("session", 100), ("sessions", 100), ("check_in", 1), ("profile", 1),
    ("replay_recording", 1), ("replay_video", 1), ("log", 1), ("trace_metric", 1), ("span", 25),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "count"), COUNTS)
def test_how_many(kind, count):
    assert verdict(*[item(kind)] * count) is None
    assert verdict(*[item(kind)] * (count + 1)) is not None


@pytest.mark.parametrize(
    ("items", "name"),
    [
        ([item("attachment", 100 * MIB)] * 2, None),
        ([item("attachment", 100 * MIB), item("attachment", 100 * MIB + 1)], "attachment:attachment"),
        ([item("attachment")] * 29 + [item("user_report")], None),
        ([item("attachment")] * 30 + [item("user_report")], "user_report"),
        ([item("session", 5 * MIB), item("sessions", 5 * MIB)], None),
        ([item("session", 5 * MIB), item("sessions", 5 * MIB + 1)], "sessions"),
        ([item("session")] * 60 + [item("sessions")] * 41, "sessions"),
        ([item("event", MIB), item("feedback", MIB)], None),
        ([item("feedback"), item("event")], None),
        ([item("event"), item("feedback"), item("event")], "event"),
        ([item("event"), item("transaction")], "transaction"),
        ([item("feedback"), item("replay_event")], "replay_event"),
        ([item("span", 12 * MIB, item_count=5)], None),
        ([item("span", 0, item_count=5)] * 2, "span"),
        ([item("attachment", 200 * MIB + 1, attachment_type="event.minidump")], "attachment:minidump"),
        ([item("attachment", 200 * MIB + 1, attachment_type="wombat")], "unknown"),
        ([item("wombat", 500 * MIB)] * 400, None),
        ([item("client_report", 500 * MIB)] * 400, None),
        ([item("metric_buckets", 500 * MIB)] * 400, None),
    ],
)
def test_together(items, name):
    assert verdict(*items) == name


@pytest.mark.parametrize(
    ("sizes", "surplus"),
    [
        ([100 * KIB], []),
        ([100 * KIB + 1], [0]),
        ([60 * KIB, 60 * KIB, 40 * KIB], [1]),
        ([1] * 100, []),
        ([1] * 101, [100]),
    ],
)
def test_client_reports_beyond_their_bounds(sizes, surplus):
    items = [item("client_report", size) for size in sizes]
    assert surplus_client_reports(items, LIMITS) == [items[index] for index in surplus]
