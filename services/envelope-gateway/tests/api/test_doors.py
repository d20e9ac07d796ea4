"""One kind of input through every door: the same words and crashes end alike, whichever endpoint takes them."""

import base64
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from envelope_gateway.domain.sizes import MIB

from ..data.envelopes import (
    DASHED_ID,
    EVENT_ID,
    FILES,
    FORM,
    KEY,
    OFF_KEY,
    UNKNOWN_KEY,
    WORDS,
    ZERO_ID,
    envelope,
    feedback,
    form,
    item,
    sentry,
)  # fmt: skip

SENDER = "198.51.100.9"
STORE = "/api/1/store/"
Event = dict[str, Any]
Send = Callable[..., Any]


def words(**more: Any) -> Event:
    return {**WORDS, **more}


def named(event: Event, event_id: str | None) -> Event:
    return event if event_id is None else {"event_id": event_id, **event}


def as_envelope(item_type: str) -> Send:
    async def send(gateway: Any, event: Event, event_id: str | None = EVENT_ID, **headers: str) -> httpx.Response:
        body = "\n".join(json.dumps(part) for part in (named({}, event_id), {"type": item_type}, event))
        return await gateway.send(body.encode(), **headers)

    return send


async def by_store(gateway: Any, event: Event, event_id: str | None = EVENT_ID, **headers: str) -> httpx.Response:
    return await gateway.send(json.dumps(named(event, event_id)).encode(), STORE, **headers)


async def by_packed_store(
    gateway: Any, event: Event, event_id: str | None = EVENT_ID, **headers: str
) -> httpx.Response:
    body = base64.b64encode(zlib.compress(json.dumps(named(event, event_id)).encode()))
    return await gateway.send(body, "/api/store/", **headers)


async def by_pixel(gateway: Any, event: Event, event_id: str | None = EVENT_ID, **headers: str) -> httpx.Response:
    data = quote(json.dumps(named(event, event_id), ensure_ascii=False))
    assert "%20" in data
    key = headers.pop("x_sentry_auth", KEY).rpartition("=")[2]  # a pixel's key is in its address
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.client.get(f"{STORE}?sentry_key={key}&sentry_data={data}", headers=given)


async def by_minidump(
    gateway: Any, event: Event, event_id: str | None = EVENT_ID, **headers: str
) -> httpx.Response:
    fields = ('name="sentry"', json.dumps(named(event, event_id)).encode())
    body = form(fields, ('name="upload_file_minidump"; filename="m.dmp"', b"MDMP"))
    return await gateway.send(body, "/api/1/minidump/", **FORM, **headers)


def string(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return struct.pack("<i", len(raw)) + raw


def unreal(event: Event, event_id: str | None = EVENT_ID, **elements: str) -> bytes:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
    escaped = json.dumps(named(event, event_id)).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    context = f"{inner}<__sentry>{escaped}</__sentry>"
    xml = f"<?xml version='1.0'?><FGenericCrashContext>{context}</FGenericCrashContext>"
    files = struct.pack("<i", 0) + string("CrashContext.runtime-xml") + struct.pack("<i", len(xml)) + xml.encode()
    files += struct.pack("<i", 1) + string("UEMinidump.dmp") + struct.pack("<i", 6) + b"MDMPxx"
    return b"CR1" + string("C:/crash") + string("crash.ue4crash") + struct.pack("<ii", 999, 2) + files


async def by_unreal(gateway: Any, event: Event, event_id: str | None = EVENT_ID, **headers: str) -> httpx.Response:
    body = zlib.compress(unreal(event, event_id))
    return await gateway.send(body, f"/api/1/unreal/{KEY}/", x_sentry_auth="", **headers)


FEEDBACK = {
    "feedback item": as_envelope("feedback"),
    "event item": as_envelope("event"),
    "store": by_store,
    "packed store": by_packed_store,
    "pixel": by_pixel,
}
CRASHES = {name: send for name, send in FEEDBACK.items() if name != "feedback item"}
CRASHES |= {"minidump": by_minidump, "unreal": by_unreal}
feedback_doors = pytest.mark.parametrize("send", FEEDBACK.values(), ids=FEEDBACK)
crash_doors = pytest.mark.parametrize("send", CRASHES.values(), ids=CRASHES)


def typed(send: Send, event: Event) -> Event:
    """The event with the type that its door knows a feedback by."""
    return {"type": "userreportv2" if send in {by_store, by_packed_store, by_pixel} else "feedback", **event}


async def only(gateway: Any, stream: str) -> Any:
    [entry] = await gateway.entries(stream)
    return entry


@feedback_doors
async def test_words_arrive(gateway, send):
    answer = await send(gateway, typed(send, words(tags={"é": "a b+c"})))
    assert answer.status_code == 200
    found = await only(gateway, "feedback.submitted")
    assert (found.message.event_id, found.message.submission_id) == (EVENT_ID, EVENT_ID)
    assert json.loads(found.body)["contexts"]["feedback"]["message"] == "the words"
    assert json.loads(found.body)["tags"] == {"é": "a b+c"}
    assert await gateway.steps() == [(EVENT_ID, "accepted", None)]


@feedback_doors
@pytest.mark.parametrize("name", ["x_forwarded_for", "cf_connecting_ip", "forwarded"])
async def test_auto_addresses_of_feedback_are_the_senders(gateway, send, name):
    address = {"forwarded": f'for="{SENDER}:51234"'}.get(name, f"{SENDER}:51234")
    quoted = 'I wrote "ip_address":"{{auto}}"'
    event = typed(send, words(user={"ip_address": "{{auto}}", "id": 7}, extra={"text": quoted}))
    await send(gateway, event, **{name: address})
    found = await only(gateway, "feedback.submitted")
    assert found.message.remote_addr == SENDER
    assert json.loads(found.body)["user"] == {"ip_address": SENDER, "id": 7}
    assert json.loads(found.body)["extra"] == {"text": quoted}


@crash_doors
@pytest.mark.parametrize(
    ("hop", "address"),
    [
        (SENDER, SENDER),
        (f"{SENDER}:51234", SENDER),
        ("[2001:db8::5]:4433", "2001:db8::5"),
        (f"{SENDER}, 127.0.0.1", SENDER),
        ("junk", "127.0.0.1"),
    ],
)
async def test_auto_addresses_of_crashes_are_the_senders(gateway, send, hop, address):
    await send(gateway, {"user": {"ip_address": "{{auto}}"}}, x_forwarded_for=hop)
    found = await only(gateway, "error-event.received")
    assert (found.message.user.ip_address, found.message.remote_addr) == (address, address)


@crash_doors
async def test_crashes_are_indexed_under_their_own_id(gateway, send):
    answer = await send(gateway, {"environment": "qa", "release": "1.0"})
    assert answer.status_code == 200
    if answer.headers["content-type"].startswith("application/json"):
        assert answer.json() == {"id": EVENT_ID}
    elif answer.headers["content-type"].startswith("text/plain"):
        assert answer.text == DASHED_ID
    found = await only(gateway, "error-event.received")
    assert (found.message.event_id, found.message.environment, found.message.release) == (EVENT_ID, "qa", "1.0")


@crash_doors
@pytest.mark.parametrize("event_id", [ZERO_ID, str(UUID(int=0)), None])
async def test_crashes_without_an_id_get_one(gateway, send, event_id):
    answer = await send(gateway, {"message": "boom"}, event_id)
    assert answer.status_code == 200
    found = await only(gateway, "error-event.received")
    assert found.message.event_id not in {ZERO_ID, EVENT_ID}
    if answer.headers["content-type"].startswith("application/json"):
        assert answer.json() == {"id": found.message.event_id}


@crash_doors
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("qa", "qa"), (" qa ", "qa"), ("a/b", None), ("a\nb", None), ("a\\b", None), ("None", None),
        ("x" * 65, None),
    ],
)  # fmt: skip
async def test_only_valid_environments_are_kept(gateway, send, name, kept):
    await send(gateway, {"environment": name})
    assert (await only(gateway, "error-event.received")).message.environment == kept


@crash_doors
async def test_tags_are_read_in_all_their_forms(gateway, send):
    for tags in ({"a": 1}, [["a", "1"], ["b"]], [{"key": "a", "value": 1}, {"value": 2}]):
        await gateway.empty()
        await send(gateway, {"tags": tags})
        assert (await only(gateway, "error-event.received")).message.tags == {"a": "1"}


@crash_doors
@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("0001-01-01T00:00:00Z", None), ("9999-12-31T23:59:59Z", None), ("2026-11-24t12:00:00z", 2026),
        ("2026-11-24 12:00:00 +02:00", 2026), ("2026-11-24T12:00:00", 2026), (1e18, None), (-1, None),
        ("nonsense", None),
    ],
)  # fmt: skip
async def test_times_are_bounded(gateway, send, written, year):
    await send(gateway, {"timestamp": written})
    message = (await only(gateway, "error-event.received")).message
    assert message.timestamp == message.received_at if year is None else message.timestamp.year == year


@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1601-01-01T00:00:00Z"])
async def test_a_clock_that_is_not_set_corrects_nothing(gateway, sent_at):
    assert (await gateway.send(envelope(item("event"), sent_at=sent_at))).status_code == 200
    assert (await only(gateway, "error-event.received")).message.sent_at is None


@pytest.mark.parametrize(
    "sent_at",
    ["2026-11-24T10:00:00Z", "2026-11-24t10:00:00z", "2026-11-24 12:00:00 +02:00", "2026-11-24T12:00:00  +0200"],
)
async def test_spellings_of_sent_at(gateway, sent_at):
    assert (await gateway.send(envelope(item("event"), sent_at=sent_at))).status_code == 200
    assert (await only(gateway, "error-event.received")).message.sent_at.isoformat() == "2026-11-24T10:00:00+00:00"


@pytest.mark.parametrize("timestamp", ["null", '"nonsense"', "-1", "1e18", "[]"])
@pytest.mark.parametrize("sent_at", ["2026-11-24T14:00:00Z", "2026-11-24T10:00:00Z"])
async def test_an_error_without_a_time_happened_when_it_was_received_whatever_its_clock(
    gateway, timestamp, sent_at
):
    event = item("event", b'{"timestamp":%b}' % timestamp.encode())
    assert (await gateway.send(envelope(event, sent_at=sent_at))).status_code == 200
    message = (await only(gateway, "error-event.received")).message
    assert message.received_at != message.sent_at
    assert message.timestamp - message.sent_at + message.received_at == message.received_at


DEEP = "[" * 500 + '"\\u0000"' + "]" * 500


@pytest.mark.parametrize(("item_type", "category"), [("feedback", 14), ("user_report", 14), ("client_report", -1)])
async def test_nesting_is_bounded(gateway, item_type, category):
    deep = item(item_type, f'{{"x":{DEEP}}}'.encode())
    assert (await gateway.send(envelope(deep))).status_code == 200
    assert await gateway.kinds() == []
    assert await gateway.outcomes() == {(category, 3, "nesting_too_deep"): 1}
    [(submission_id, state, reason)] = await gateway.steps()
    assert (state, reason) == ("invalid", "nesting_too_deep")
    assert len(submission_id) == 32 if item_type == "client_report" else submission_id == EVENT_ID


@crash_doors
async def test_crashes_that_nest_deeply_are_indexed_or_an_outcome(gateway, send):
    answer = await gateway.send(f'{{"event_id":"{EVENT_ID}","x":{DEEP}}}'.encode(), STORE)
    assert answer.status_code < 500
    await gateway.empty()
    answer = await send(gateway, {"extra": json.loads("[" * 200 + "]" * 200)})
    assert answer.status_code == 200
    assert len(await gateway.entries("error-event.received")) == 1


async def test_headers_that_nest_deeply_are_refused(gateway):
    for body in (f'{{"dsn":"http://{KEY}@h/1","x":{DEEP}}}\n', f'{{}}\n{{"type":"x","y":{DEEP}}}\n'):
        for auth in ({}, {"x_sentry_auth": ""}):
            assert (await gateway.send(body.encode(), **auth)).status_code in {400, 401}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("door", [name for name in FEEDBACK if name != "pixel"])  # no address is that long
async def test_feedback_over_its_size_is_413_and_keeps_its_words(gateway, door, chunked):
    async def pieces(body: bytes):
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    if chunked:
        sent = gateway.send

        async def in_pieces(body: bytes, *args: str, **headers: str) -> httpx.Response:
            return await sent(pieces(body), *args, **headers)

        gateway.send = in_pieces
    send = FEEDBACK[door]
    assert (await send(gateway, typed(send, words(pad="x" * MIB)))).status_code == 413
    assert await gateway.kinds() == []
    if "store" not in door:  # whose body is refused before it is read
        kind = {"feedback item": "user_report_v2"}.get(door, "event")
        step = await refused_with_its_words(gateway, f"too_large:{kind}")
        assert step.refused.submission_id == EVENT_ID


async def refused_step(gateway: Any) -> Any:
    [step] = [step for entry in await gateway.entries("outcome.recorded") for step in entry.message.steps]
    return step


async def refused_with_its_words(gateway: Any, reason: str = "invalid_envelope") -> Any:
    step = await refused_step(gateway)
    assert (step.submission_id, step.state, step.reason) == (EVENT_ID, "invalid", reason)
    assert step.payload["contexts"] == WORDS["contexts"]
    return step


async def test_a_report_over_its_size_keeps_its_words(gateway):
    report = {"event_id": EVENT_ID, "comments": "y" * (MIB + 1)}
    assert (await gateway.send(envelope(item("user_report", report), event_id=None))).status_code == 413
    step = await refused_step(gateway)
    assert (step.submission_id, step.reason) == (EVENT_ID, "too_large:user_report")
    assert step.payload["comments"].startswith("yyy")
    assert step.refused.event_id == EVENT_ID


async def test_quotas_and_switches_keep_no_words(start_gateway):
    project = {"features": {"organizations:user-feedback-ingest": False}}
    async with start_gateway(project=project) as gateway:
        await FEEDBACK["feedback item"](gateway, words())
        assert (await refused_step(gateway)).payload is None


@pytest.mark.parametrize(
    ("items", "quantities"),
    [
        ([item("feedback", words(), length=5000)], {14: 1}),
        ([feedback(), item("attachment", length=99)], {14: 1, 4: 2, 22: 1}),
        ([item("event", length=5000)], {1: 1}),
        ([item("client_report", length=5000)], {-1: 1}),
    ],
)
async def test_items_that_announce_more_than_they_bring_are_recorded(gateway, items, quantities):
    answer = await gateway.send(envelope(*items))
    assert (answer.status_code, answer.json()["causes"]) == (400, ["unexpected end of file"])
    assert await gateway.kinds() == []
    assert await gateway.outcomes() == {(category, 3, "invalid_envelope"): n for category, n in quantities.items()}
    if 14 in quantities:
        await refused_with_its_words(gateway)


@pytest.mark.parametrize("length", [5, 0, -1, '"10"', 1.0, "null", "true", 1 << 64])
@pytest.mark.parametrize("end", ["", "\n", '\n{"type":"attachment"}\nx'])
async def test_items_with_a_wrong_length_are_recorded_with_their_words(gateway, length, end):
    head = f'{{"event_id":"{EVENT_ID}"}}\n{{"type":"feedback","length":{length}}}\n'
    assert (await gateway.send((head + json.dumps(words()) + end).encode())).status_code == 400
    assert await gateway.kinds() == []
    await refused_with_its_words(gateway)


CSP = {"content_type": "application/csp-report"}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "categories", "reason"),
    [
        (STORE, b"{", {}, 400, (1,), "invalid_json"),
        (STORE, b'{"event_id":"x"}', {}, 400, (1,), "invalid_json"),
        ("/api/store/", b"!!", {}, 400, (1,), "payload"),
        (STORE, b"", {}, 400, (1,), "no_data"),
        (STORE, b"", {"content_encoding": "gzip"}, 400, (1,), "no_data"),
        (STORE, b"junk", {"content_encoding": "gzip"}, 400, (1,), "payload"),
        (STORE, b"{}", {"content_encoding": "lzma"}, 415, (1,), "payload"),
        (STORE, b"x" * (MIB + 1), {}, 413, (1,), "too_large:event"),
        (FILES.replace(EVENT_ID, "x"), b"--b--", FORM, 400, (4, 22), "invalid_event_id"),
        (FILES, b"junk", FORM | {"content_encoding": "br"}, 400, (4, 22), "payload"),
        ("/api/1/minidump/", b"junk", FORM | {"content_encoding": "zstd"}, 400, (1,), "payload"),
        ("/api/1/minidump/", b"", {"content_encoding": "br"}, 400, (1,), "no_data"),
        ("/api/1/security/", b"{", CSP, 400, (3,), "invalid_json"),
        ("/api/1/csp-report/", b"", CSP, 400, (3,), "no_data"),
        ("/api/1/security/", b"{}", {"content_type": "text/plain"}, 415, (3,), "payload"),
        ("/api/1/security/", json.dumps([{}] * 501).encode(), CSP, 413, (3,), "too_large:security"),
    ],
)  # fmt: skip
async def test_what_nothing_can_be_read_of_is_an_outcome(gateway, path, body, headers, status, categories, reason):
    assert (await gateway.send(body, path, **headers)).status_code == status
    assert await gateway.kinds() == []
    assert await gateway.outcomes() == {(category, 3, reason): 1 for category in categories}


@pytest.mark.parametrize("key", [OFF_KEY, UNKNOWN_KEY])
async def test_what_nothing_can_be_read_of_is_refused_as_such_whoever_sends_it(gateway, key):
    for path, headers in ((STORE, {}), (FILES, FORM), ("/api/1/minidump/", FORM), ("/api/1/security/", CSP)):
        answer = await gateway.send(b"{", path, **sentry(key), **headers)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("header", "mismatch"),
    [
        ({"dsn": f"http://{KEY}@h/2"}, "project id"),
        ({"dsn": f"http://{OFF_KEY}@h/1"}, "public key"),
        ({"origin": "https://elsewhere.example"}, "origin"),
        ({}, None),
    ],
)
async def test_words_in_an_envelope_that_contradicts_its_request_are_kept(gateway, header, mismatch):
    items = [feedback()] if mismatch else [feedback(), item("integration")]
    answer = await gateway.send(envelope(*items, **header))
    cause = f"{mismatch} header mismatch between envelope and request"
    refusal = {"detail": "invalid event envelope", "causes": [cause]}
    assert (answer.status_code, answer.json()) == (
        400, refusal if mismatch else {"detail": "envelope contains internal items"}
    )  # fmt: skip
    assert await gateway.kinds() == []
    assert (await gateway.outcomes())[14, 3, "invalid_envelope"] == 1
    await refused_with_its_words(gateway)


@feedback_doors
@pytest.mark.parametrize("reason", ["project_id", "cors"])
async def test_feedback_that_its_project_rejects_is_one_at_every_door(start_gateway, send, reason):
    origin = {"origin": "https://x.example"}
    headers = sentry(OFF_KEY) if reason == "project_id" else origin
    async with start_gateway(project={"options": {"sentry:origins": ["shop.example"]}}) as gateway:
        assert (await send(gateway, typed(send, words()), **headers)).status_code == 403
        assert await gateway.outcomes() == {(14, 3, reason): 1}
        assert await gateway.steps() == [(EVENT_ID, "invalid", reason)]


@pytest.mark.parametrize("item_type", ["event", "feedback"])
@pytest.mark.parametrize("is_first", [False, True])
async def test_a_feedback_may_share_an_envelope_with_an_event(gateway, item_type, is_first):
    items = [item("event", {"message": "boom"}), item(item_type, words(type="feedback"))]
    assert (await gateway.send(envelope(*(items[::-1] if is_first else items)))).status_code == 200
    assert await gateway.kinds() == ["error-event.received", "feedback.submitted"]


@pytest.mark.parametrize(
    "text",
    ["٩ec79c33ec9942ab8353589fcb2e04dc", "9ec79c33 ec9942ab8353589fcb2e04dc", "0x9ec79c33ec9942ab8353589fcb2e04",
     "9ec79c33_ec99_42ab_8353_589fcb2e04dc", EVENT_ID + "\n"],
)  # fmt: skip
async def test_only_canonical_event_ids_are_ids(gateway, text):
    files = FILES.replace(EVENT_ID, quote(text))
    for answer in (
        await gateway.send(envelope(item("event"), event_id=text)),
        await gateway.send(json.dumps({"event_id": text}).encode(), STORE),
        await gateway.send(b"--b--", files, **FORM),
    ):
        assert answer.status_code == 400
