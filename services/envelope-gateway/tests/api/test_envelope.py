"""`POST /api/{project}/envelope/` from the outside, on a real Valkey."""

import gzip
import zlib
from typing import Any

import brotli
import pytest
import zstandard

from ..data.envelopes import EVENT_ID, KEY, ZERO_ID, envelope, feedback, item

OTHER_ID = "a" * 32
COMPRESS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda raw: brotli.compress(raw, quality=1),
    "zstd": zstandard.compress,
}


def event(**changes: Any) -> tuple[dict[str, Any], bytes]:
    return item("event", {"message": "boom", "platform": "python", **changes})


def user_report(**changes: Any) -> tuple[dict[str, Any], bytes]:
    return item("user_report", {"event_id": EVENT_ID, "name": "A", "comments": "Broken", **changes})


def client_report(size: int = 0) -> tuple[dict[str, Any], bytes]:
    return item("client_report", {"timestamp": 1, "discarded_events": [], "pad": "x" * size})


async def test_feedback_is_durable_when_answered(gateway):
    sdk = {"name": "sentry.javascript.browser", "version": "10.78.0"}
    answer = await gateway.send(envelope(feedback(), sdk=sdk))
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert answer.headers["content-type"] == "application/json"
    [entry] = await gateway.entries("feedback.submitted")
    assert entry.body == feedback()[1]
    message = entry.message
    assert (message.event_id, message.submission_id) == (EVENT_ID, EVENT_ID)
    assert message.source == "new_feedback_envelope"
    assert (message.organization_id, message.project_id, message.key_id) == (7, 1, 11)
    assert (message.sdk, message.sent_at) == ("sentry.javascript.browser/10.78.0", None)
    assert message.received_at == gateway.clock.now()
    assert entry.traceparent is not None
    assert await gateway.steps() == [(EVENT_ID, "accepted", None)]
    assert await gateway.outcomes() == {}


async def test_same_envelope_twice_gives_the_same_event_id_twice(gateway):
    body = envelope(feedback())
    assert [(await gateway.send(body)).status_code for _ in range(2)] == [200, 200]
    entries = await gateway.entries("feedback.submitted")
    assert [entry.message.event_id for entry in entries] == [EVENT_ID, EVENT_ID]
    assert entries[0].message.id != entries[1].message.id


async def test_feedback_without_event_id_gets_one_in_the_answer(gateway):
    answer = await gateway.send(envelope(feedback(), event_id=None))
    [entry] = await gateway.entries("feedback.submitted")
    assert entry.message.event_id == answer.json()["id"] != EVENT_ID


async def test_no_event_means_no_id(gateway):
    answer = await gateway.send(envelope(client_report(), event_id=None))
    assert (answer.status_code, answer.content) == (200, b"{}")
    [entry] = await gateway.entries("client-report.received")
    assert entry.body == client_report()[1]


@pytest.mark.parametrize(
    ("name", "encode"),
    [*COMPRESS.items(), ("GZIP", gzip.compress), ("identity", bytes), ("", bytes), ("UTF-8", bytes)],
)
async def test_encodings(gateway, name, encode):
    answer = await gateway.send(encode(envelope(feedback())), content_encoding=name)
    assert answer.status_code == 200
    assert [entry.body for entry in await gateway.entries("feedback.submitted")] == [feedback()[1]]


@pytest.mark.parametrize("name", COMPRESS)
async def test_corrupt_encodings_are_refused(gateway, name):
    for body in (b"\x00junk" * 9, COMPRESS[name](envelope(feedback()))[:-9], b""):
        assert (await gateway.send(body, content_encoding=name)).status_code == 400
    assert await gateway.kinds() == []


@pytest.mark.parametrize("name", COMPRESS)
async def test_bombs_are_413(start_gateway, name):
    bomb = COMPRESS[name](b'{"event_id":"x' + bytes(24 * 1024 * 1024))
    async with start_gateway(envelope_bytes_max=8 * 1024 * 1024) as gateway:
        answer = await gateway.send(bomb, content_encoding=name)
    assert answer.status_code == 413
    assert answer.text == "Failed to buffer the request body: length limit exceeded"


async def test_no_authentication_at_all_is_401(gateway):
    for body in (envelope(feedback()), b"", b"no json\n"):
        answer = await gateway.send(body, x_sentry_auth="")
        assert answer.status_code == 401
        assert answer.json()["detail"] == "bad envelope authentication header"
        assert len(answer.json()["causes"]) == 1


async def test_query_authentication(gateway):
    path = f"/api/1/envelope/?sentry_version=7&sentry_key={KEY}&sentry_client=js%2F1"
    answer = await gateway.send(envelope(feedback()), path, x_sentry_auth="")
    assert answer.status_code == 200
    [entry] = await gateway.entries("feedback.submitted")
    assert entry.message.sdk == "js/1"


async def test_envelope_dsn_authenticates_and_overrules_the_path(gateway):
    body = envelope(feedback(), dsn=f"http://{KEY}@host:9/1")
    answer = await gateway.send(body, "/api/99/envelope/", x_sentry_auth="")
    assert answer.status_code == 200
    assert await gateway.kinds() == ["feedback.submitted"]


async def test_an_envelope_may_repeat_the_requests_origin(gateway):
    body = envelope(feedback(), origin="http://example.com")
    assert (await gateway.send(body, origin="http://example.com")).status_code == 200


async def test_another_projects_path_is_refused_and_recorded(gateway):
    answer = await gateway.send(envelope(feedback(), event()), "/api/2/envelope/")
    assert answer.status_code == 403
    assert await gateway.kinds() == []
    assert await gateway.outcomes() == {(14, 3, "project_id"): 1, (1, 3, "project_id"): 1}
    assert await gateway.steps() == [(EVENT_ID, "invalid", "project_id")]


@pytest.mark.parametrize(
    ("origins", "headers", "status"),
    [
        (["example.com"], {"origin": "http://example.com"}, 200),
        (["example.com"], {"origin": "http://evil.example"}, 403),
        (["example.com"], {"referer": "http://evil.example/page"}, 403),
        (["example.com"], {}, 200),
        ([], {"origin": "http://example.com"}, 403),
        ([], {}, 200),
        (["*.example.com"], {"origin": "https://a.example.com"}, 200),
        (["*"], {"origin": "https://a.example.com"}, 200),
    ],
)
async def test_origins(start_gateway, origins, headers, status):
    async with start_gateway(project={"options": {"sentry:origins": origins}}) as gateway:
        answer = await gateway.send(envelope(feedback()), **headers)
        assert answer.status_code == status
        if status == 403:
            assert answer.json() == {"detail": "event submission rejected with_reason: Cors"}
            assert await gateway.outcomes() == {(14, 3, "cors"): 1}


async def test_empty_body(gateway):
    answer = await gateway.send(b"")
    assert (answer.status_code, answer.json()) == (400, {"detail": "empty request body"})


@pytest.mark.parametrize(
    ("items", "name"),
    [
        ((event(), event()), "event"),
        ((feedback(), feedback()), "user_report_v2"),
        ((event(message="x" * 1024 * 1024),), "event"),
        ((feedback(tags={"x": "x" * 1024 * 1024}),), "user_report_v2"),
        ((item("check_in", b"x" * (100 * 1024 + 1)),), "check_in"),
        ((item("attachment", b""),) * 31, "attachment:attachment"),
    ],
)
async def test_too_large_refuses_the_envelope(gateway, items, name):
    answer = await gateway.send(envelope(*items, client_report()))
    assert answer.status_code == 413
    link = "https://develop.sentry.dev/sdk/envelopes/#size-limits"
    assert answer.json() == {"detail": f"envelope exceeded size limits for type '{name}' ({link})"}
    assert await gateway.kinds() == []
    reasons = {reason for _, _, reason in await gateway.outcomes()}
    assert reasons == {f"too_large:{name}"}
    assert gateway.blob_files() == []


async def test_at_the_limit_is_not_too_large(gateway):
    rest = len(event(message="")[1])
    assert (await gateway.send(envelope(event(message="x" * (1024 * 1024 - rest))))).status_code == 200


async def test_an_oversized_client_report_costs_only_itself(gateway):
    answer = await gateway.send(envelope(feedback(), client_report(90 * 1024), client_report(20 * 1024)))
    assert answer.status_code == 200
    assert await gateway.kinds() == ["client-report.received", "feedback.submitted"]
    assert await gateway.outcomes() == {(-1, 3, "too_large:client_report"): 1}
    refused = [step[1:] for step in await gateway.steps() if step[2]]
    assert refused == [("invalid", "too_large:client_report")]


async def test_refused_client_reports_of_an_envelope_share_a_fate_by_reason(gateway):
    deep = item("client_report", b'{"x":' + b"[" * 500 + b"]" * 500 + b"}")
    answer = await gateway.send(envelope(deep, deep, *[client_report(60 * 1024)] * 3, event_id=None))
    assert answer.status_code == 200
    assert await gateway.outcomes() == {(-1, 3, "nesting_too_deep"): 2, (-1, 3, "too_large:client_report"): 2}
    assert [reason for _, _, reason in await gateway.steps()] == ["nesting_too_deep", "too_large:client_report"]


@pytest.mark.parametrize(
    ("sent", "outcomes"),
    [
        (item("sessions", item_count=4), {(5, 3): 4}),
        (item("log", b"abc", item_count=2), {(23, 3): 2, (24, 3): 3}),
        (item("transaction", {"spans": [{}, {}]}), {(2, 3): 1, (9, 3): 1, (12, 3): 3, (16, 3): 3}),
        (item("wombat"), {(-1, 3): 1}),
        (item(""), {(-1, 3): 1}),
        (item("attachment", attachment_type="wombat"), {(-1, 3): 1}),
    ],
)
async def test_what_no_one_stores_is_counted_and_never_an_error(gateway, sent, outcomes):
    assert (await gateway.send(envelope(sent))).status_code == 200
    found = await gateway.outcomes()
    assert {(category, outcome): n for (category, outcome, _), n in found.items()} == outcomes
    assert {reason for _, _, reason in found} == {"unsupported_type"}


@pytest.mark.parametrize(
    ("header", "payload", "event_id"),
    [
        (EVENT_ID, OTHER_ID, OTHER_ID), (None, OTHER_ID, OTHER_ID), (EVENT_ID, None, EVENT_ID),
        (EVENT_ID, "wombat", EVENT_ID), (EVENT_ID, ZERO_ID, EVENT_ID), (ZERO_ID, OTHER_ID, OTHER_ID),
        (ZERO_ID, ZERO_ID, ZERO_ID), (ZERO_ID, None, ZERO_ID), (None, ZERO_ID, ZERO_ID), (None, "wombat", None),
    ],
)  # fmt: skip
async def test_a_report_is_about_its_payloads_event_else_its_envelopes(gateway, header, payload, event_id):
    answer = await gateway.send(envelope(user_report(event_id=payload), event_id=header))
    assert (answer.status_code, answer.json().get("id")) == (200, None if header == ZERO_ID else header)
    [report] = await gateway.entries("user-report.submitted")
    assert (report.message.event_id, report.message.source) == (event_id, "user_report_envelope")
    names_itself = event_id in {None, ZERO_ID}
    assert [step[0] for step in await gateway.steps()] == [report.message.id if names_itself else event_id]


async def test_a_report_too_broken_to_read_is_found_by_its_envelope(gateway):
    assert (await gateway.send(envelope(item("user_report", b"{broken")))).status_code == 200
    assert await gateway.steps() == [(EVENT_ID, "accepted", None)]


async def test_broken_events_are_an_outcome_not_an_error(gateway):
    for payload in (b"{broken", b"[]", b"", b"\xff\xfe", b"[" * 100_000):
        assert (await gateway.send(envelope(item("event", payload)))).status_code == 200
    assert await gateway.outcomes() == {(1, 3, "invalid_json"): 5}


async def test_equal_outcomes_of_an_envelope_are_summed_and_counted(gateway):
    unknown = item("attachment", attachment_type="unheard.of")
    sessions = [*[item("session")] * 3, item("sessions", item_count=7)]
    await gateway.send(envelope(feedback(), *sessions, unknown))
    [entry] = await gateway.entries("outcome.recorded")
    counts = {(one.category, one.quantity, one.times) for one in entry.message.outcomes}
    assert counts == {(5, 10, 4), (-1, 1, 1)}


async def test_ingestion_switched_off_refuses_words_and_keeps_the_rest(start_gateway):
    project = {"features": {"organizations:user-feedback-ingest": False}}
    async with start_gateway(project=project) as gateway:
        file = item("attachment", b"xyz")
        alone = await gateway.send(envelope(feedback(), file))
        assert alone.status_code == 403
        detail = "event submission rejected with_reason: FeatureDisabled(UserFeedbackIngest)"
        assert alone.json() == {"detail": detail}
        assert (await gateway.send(envelope(feedback(), file, client_report()))).status_code == 200
        assert await gateway.kinds() == ["client-report.received"], "nothing is kept for a feedback that is not"
        mixed = await gateway.send(envelope(event(), user_report()))
        assert mixed.status_code == 200
        assert await gateway.kinds() == ["client-report.received", "error-event.received"]
        reason = "feature_disabled"
        assert await gateway.outcomes() == {(14, 3, reason): 3, (4, 3, reason): 6, (22, 3, reason): 2}
        assert await gateway.steps() == [(EVENT_ID, "invalid", reason)] * 3


async def test_clock_drift_is_recognized_from_55_minutes_on(gateway):
    for minute in ("11:05:01", "11:05:00"):
        await gateway.send(envelope(feedback(), sent_at=f"2026-11-24T{minute}Z"))
    entries = await gateway.entries("feedback.submitted")
    assert [entry.message.sent_at is None for entry in entries] == [True, False]
