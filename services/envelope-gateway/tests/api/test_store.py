"""`/store/`: events of old clients."""

import base64
import json
import urllib.parse
import zlib

import pytest

PUBLIC_KEY = "0123456789abcdef0123456789abcdef"
EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
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
    body = b'{"event_id":"%b"}\n{"type":"event"}\n%b' % (EVENT_ID.encode(), PLAIN)
    answer = await gateway.send(body, "/api/1/store/", content_type="application/x-sentry-envelope")
    assert answer.status_code == 200
    assert await gateway.kinds() == ["error-event.received"]


async def test_legacy_store_does_not_check_the_project(gateway):
    assert (await gateway.send(PLAIN, "/api/store/")).status_code == 200
    assert await gateway.kinds() == ["error-event.received"]


async def test_pixel(gateway):
    data = urllib.parse.quote(base64.b64encode(PLAIN))
    answer = await gateway.client.get(f"/api/1/store/?sentry_version=7&sentry_key={PUBLIC_KEY}&sentry_data={data}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert len(answer.content) == 26
    assert answer.content.startswith(b"GIF89a")
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


async def test_store_without_event_id_gets_one(gateway):
    answer = await gateway.send(b'{"message":"x"}', "/api/1/store/")
    [entry] = await gateway.entries("error-event.received")
    assert entry.message.event_id == answer.json()["id"]


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


async def test_store_needs_authentication_from_http(gateway):
    answer = await gateway.send(PLAIN, "/api/1/store/", x_sentry_auth="")
    assert (answer.status_code, answer.json()) == (401, {"detail": "missing authorization information"})


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


@pytest.mark.parametrize("client", ["raven-python/6.10.0", "sentry-python/1.0"])
async def test_store_patches_nan_of_python_clients(gateway, client):
    auth = f"Sentry sentry_key={PUBLIC_KEY}, sentry_version=6, sentry_client={client}"
    body = b'{"message":"say NaN","extra":{"a":NaN,"b":-Infinity}}'
    assert (await gateway.send(body, "/api/1/store/", x_sentry_auth=auth)).status_code == 200
    [entry] = await gateway.entries("error-event.received")
    assert entry.message.message == "say NaN"


async def test_store_limits_what_it_inflates(gateway):
    bomb = base64.b64encode(zlib.compress(b'{"a":"' + b"x" * 3_000_000 + b'"}'))
    assert (await gateway.send(bomb, "/api/1/store/")).status_code == 413
    assert (await gateway.send(b'{"a":"' + b"x" * 1_100_000 + b'"}', "/api/1/store/")).status_code == 413
