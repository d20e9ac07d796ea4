"""`/store/`: events of old clients."""

import base64
import json
import zlib

import pytest

from ..data.envelopes import EVENT_ID, KEY, envelope, item, sentry

EVENT = {"event_id": EVENT_ID, "message": "boom", "platform": "node", "timestamp": "2026-11-22T05:47:44"}
PLAIN = json.dumps(EVENT).encode()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (PLAIN, {}),
        (PLAIN, {"content_type": "text/plain;charset=UTF-8"}),
        (base64.b64encode(PLAIN), {"content_type": "application/octet-stream"}),
        (base64.b64encode(zlib.compress(PLAIN)), {"content_type": "application/octet-stream"}),
        (zlib.compress(PLAIN), {"content_encoding": "deflate"}),
    ],
)
async def test_store_takes_every_spelling(gateway, body, headers):
    answer = await gateway.send(body, "/api/1/store/", **headers)
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    [entry] = await gateway.entries("error-event.received")
    assert (entry.message.event_id, entry.message.message) == (EVENT_ID, "boom")
    assert entry.message.timestamp.isoformat() == "2026-11-22T05:47:44+00:00"


async def test_store_takes_envelopes_by_their_content_type(gateway):
    body = envelope(item("event", PLAIN))
    answer = await gateway.send(body, "/api/1/store/", content_type="application/x-sentry-envelope")
    assert answer.status_code == 200
    assert await gateway.kinds() == ["error-event.received"]


@pytest.mark.parametrize(("kind", "category"), [("transaction", 2), ("csp", 3)])
async def test_store_types_that_are_not_stored(gateway, kind, category):
    answer = await gateway.send(json.dumps({**EVENT, "type": kind}).encode(), "/api/1/store/")
    assert answer.status_code == 200
    assert await gateway.kinds() == []
    assert (category, 3, "unsupported_type") in await gateway.outcomes()


@pytest.mark.parametrize("kind", ["userreportv2", "feedback"])
async def test_store_feedback(gateway, kind):
    event = {**EVENT, "type": kind, "contexts": {"feedback": {"message": "hi"}}}
    assert (await gateway.send(json.dumps(event).encode(), "/api/1/store/")).status_code == 200
    assert await gateway.kinds() == ["feedback.submitted"]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "empty request body"),
        (b"{broken", 400, "invalid JSON data"),
        (b'{"event_id":"nope"}', 400, "invalid JSON data"),
        (b'{"event_id":5}', 400, "invalid JSON data"),
        (b'{"a":NaN}', 400, "invalid JSON data"),
        (b"!", 400, "invalid request body"),
        (base64.b64encode(b"neither"), 400, "invalid request body"),
        (base64.b64encode(zlib.compress(PLAIN)[:-9]), 400, "invalid request body"),
    ],
)
async def test_store_refusals(gateway, body, status, detail):
    answer = await gateway.send(body, "/api/1/store/")
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    assert await gateway.kinds() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (rb'{"message":"cut \ud83d"}', "cut ?"),
        (rb'{"message":"m","breadcrumbs":[{"message":"cut \ud83d"}],"extra":{"\ud83d":1}}', "m"),
        (b'{"message":"cut \xf0\x9f\x98"}', "cut \ufffd"),
        (b'{"message":"two\nlines"}', "two\nlines"),
        (b'\xef\xbb\xbf{"message":"m"}', "m"),
        (base64.b64encode(rb'{"message":"cut \ud83d"}'), "cut ?"),
    ],
)  # fmt: skip
async def test_store_takes_a_text_that_was_cut_inside_a_character(gateway, body, message):
    assert (await gateway.send(body, "/api/1/store/")).status_code == 200
    [entry] = await gateway.entries("error-event.received")
    assert entry.message.message == message


@pytest.mark.parametrize("client", ["raven-python/6.10.0", "sentry-python/1", "raven-js/3", ""])
async def test_only_old_python_clients_may_write_nan(gateway, client):
    body = b'{"message":"say NaN","extra":{"a":NaN,"b":-Infinity}}'
    answer = await gateway.send(body, "/api/1/store/", **sentry(KEY, sentry_client=client))
    assert answer.status_code == (200 if "python" in client else 400)
    assert [entry.message.message for entry in await gateway.entries("error-event.received")] == (
        ["say NaN"] if "python" in client else []
    )


async def test_store_limits_what_it_inflates(gateway):
    bomb = base64.b64encode(zlib.compress(b'{"a":"' + b"x" * 3_000_000 + b'"}'))
    assert (await gateway.send(bomb, "/api/1/store/")).status_code == 413
    assert (await gateway.send(b'{"a":"' + b"x" * 1_100_000 + b'"}', "/api/1/store/")).status_code == 413
