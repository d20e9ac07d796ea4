"""`POST /api/{project}/envelope/` from the outside, on a real Valkey."""

import gzip
import json
import zlib
from typing import Any

import brotli
import pytest
import zstandard

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
OTHER_ID = "a" * 32
ZERO_ID = "0" * 32
FEEDBACK = {
    "type": "feedback",
    "event_id": EVENT_ID,
    "timestamp": 1764000000.5,
    "platform": "javascript",
    "contexts": {"feedback": {"message": "It broke", "contact_email": "a@example.com"}},
}


def envelope(*items: tuple[dict[str, Any], bytes], **header: Any) -> bytes:
    header.setdefault("event_id", EVENT_ID)
    lines = [json.dumps({key: value for key, value in header.items() if value is not None}).encode()]
    for head, payload in items:
        lines += [json.dumps({"length": len(payload), **head}).encode(), payload]
    return b"\n".join(lines)


def feedback(**changes: Any) -> tuple[dict[str, Any], bytes]:
    return {"type": "feedback"}, json.dumps(FEEDBACK | changes).encode()


def event(**changes: Any) -> tuple[dict[str, Any], bytes]:
    return {"type": "event"}, json.dumps({"message": "boom", "platform": "python"} | changes).encode()


def user_report(**changes: Any) -> tuple[dict[str, Any], bytes]:
    report = {"event_id": EVENT_ID, "name": "A", "email": "a@example.com", "comments": "Broken"}
    return {"type": "user_report"}, json.dumps(report | changes).encode()


def client_report(size: int = 0) -> tuple[dict[str, Any], bytes]:
    report = {"timestamp": 1, "discarded_events": [], "pad": "x" * size}
    return {"type": "client_report"}, json.dumps(report).encode()


async def test_feedback_is_durable_when_answered(gateway):
    answer = await gateway.send(
        envelope(feedback(), sdk={"name": "sentry.javascript.browser", "version": "10.78.0"})
    )
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    [entry] = await gateway.entries("feedback.submitted")
    assert entry.body == feedback()[1]
    message = entry.message
    assert (message.event_id, message.submission_id, message.source) == (
        EVENT_ID,
        EVENT_ID,
        "new_feedback_envelope",
    )
    assert (message.organization_id, message.project_id, message.key_id) == (7, 1, 11)
    assert (message.sdk, message.sent_at) == ("sentry.javascript.browser/10.78.0", None)
    assert message.received_at == gateway.clock.now()
    assert entry.traceparent is not None
    assert await gateway.steps() == [(EVENT_ID, "accepted", None)]
    assert await gateway.outcomes() == {}


async def test_answer_headers_are_the_protocols(gateway):
    answer = await gateway.send(envelope(feedback()))
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"]
    assert exposed == "x-sentry-error,x-sentry-rate-limits,retry-after"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["content-type"] == "application/json"


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
    [
        ("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress),
        ("zstd", zstandard.compress), ("identity", bytes), ("", bytes), ("UTF-8", bytes),
    ],
)  # fmt: skip
async def test_encodings(gateway, name, encode):
    answer = await gateway.send(encode(envelope(feedback())), content_encoding=name)
    assert answer.status_code == 200
    assert [entry.body for entry in await gateway.entries("feedback.submitted")] == [feedback()[1]]


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("damage", ["junk", "cut", "empty"])
async def test_corrupt_encodings_are_refused(gateway, name, damage):
    compress = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": zstandard.compress,
    }[name]
    whole = compress(envelope(feedback()))
    body = {"junk": b"\x00junk" * 9, "cut": whole[:-9], "empty": b""}[damage]
    answer = await gateway.send(body, content_encoding=name)
    assert answer.status_code == 400
    assert await gateway.kinds() == []


@pytest.mark.parametrize("name", ["snappy", "gzip, br", "gzip,gzip"])
async def test_unknown_encodings_are_415(gateway, name):
    answer = await gateway.send(envelope(feedback()), content_encoding=name)
    assert (answer.status_code, answer.content) == (415, b"")
    assert answer.headers["accept-encoding"] == "gzip,deflate,br,zstd"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
async def test_bombs_are_413(start_gateway, name):
    compress = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": lambda raw: brotli.compress(raw, quality=1),
        "zstd": zstandard.compress,
    }[name]
    bomb = compress(b'{"event_id":"x' + bytes(24 * 1024 * 1024))
    async with start_gateway(envelope_bytes_max=8 * 1024 * 1024) as gateway:
        answer = await gateway.send(bomb, content_encoding=name)
    assert answer.status_code == 413
    assert answer.text == "Failed to buffer the request body: length limit exceeded"


@pytest.mark.parametrize(
    ("auth", "status", "detail", "causes"),
    [
        (
            {"x_sentry_auth": "Sentry sentry_version=7"},
            401,
            "bad x-sentry-auth header",
            ["missing public key in auth header"],
        ),
        (
            {"x_sentry_auth": f"Sentry sentry_key={'a' * 31}"},
            400,
            "bad sentry DSN public key",
            ["invalid project key"],
        ),
        (
            {"x_sentry_auth": f"Sentry sentry_key={'a' * 32}, sentry_version=8"},
            400,
            "unsupported protocol version (8)",
            None,
        ),
        (
            {"x_sentry_auth": f"Sentry sentry_key={'a' * 32}, sentry_version=x"},
            401,
            "bad x-sentry-auth header",
            ["invalid value for version"],
        ),
        (
            {"x_sentry_auth": f"Sentry sentry_key={'a' * 32}", "authorization": f"Sentry sentry_key={'a' * 32}"},
            401,
            "multiple authorization payloads detected",
            None,
        ),
        (
            {"x_sentry_auth": f"Sentry sentry_key={'a' * 32}"},
            403,
            "event submission rejected with_reason: ProjectId",
            None,
        ),
        (
            {"x_sentry_auth": f"Sentry sentry_key={'f' * 32}"},
            403,
            "event submission rejected with_reason: ProjectId",
            None,
        ),
    ],
)
async def test_authentication_refusals(gateway, auth, status, detail, causes):
    answer = await gateway.send(envelope(feedback()), **auth)
    expected = {"detail": detail} if causes is None else {"detail": detail, "causes": causes}
    assert (answer.status_code, answer.json()) == (status, expected)


async def test_no_authentication_at_all_is_401(gateway):
    for body in (envelope(feedback()), b"", b"no json\n"):
        answer = await gateway.send(body, x_sentry_auth="")
        assert answer.status_code == 401
        assert answer.json()["detail"] == "bad envelope authentication header"
        assert len(answer.json()["causes"]) == 1


async def test_query_authentication(gateway):
    path = "/api/1/envelope/?sentry_version=7&sentry_key=0123456789abcdef0123456789abcdef&sentry_client=js%2F1"
    answer = await gateway.send(envelope(feedback()), path, x_sentry_auth="")
    assert answer.status_code == 200
    [entry] = await gateway.entries("feedback.submitted")
    assert entry.message.sdk == "js/1"


async def test_envelope_dsn_authenticates_and_overrules_the_path(gateway):
    dsn = "http://0123456789abcdef0123456789abcdef@host:9/1"
    answer = await gateway.send(envelope(feedback(), dsn=dsn), "/api/99/envelope/", x_sentry_auth="")
    assert answer.status_code == 200
    assert await gateway.kinds() == ["feedback.submitted"]


@pytest.mark.parametrize(
    ("dsn", "cause"),
    [
        (
            "http://0123456789abcdef0123456789abcdef@h/2",
            "project id header mismatch between envelope and request",
        ),
        (f"http://{'b' * 32}@h/1", "public key header mismatch between envelope and request"),
    ],
)
async def test_envelope_dsn_must_match_the_request(gateway, dsn, cause):
    answer = await gateway.send(envelope(feedback(), dsn=dsn))
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": "invalid event envelope", "causes": [cause]},
    )


async def test_envelope_origin_must_match_the_request(gateway):
    body = envelope(feedback(), origin="http://example.com")
    answer = await gateway.send(body, origin="http://other.example")
    assert answer.json()["causes"] == ["origin header mismatch between envelope and request"]
    assert (await gateway.send(body, origin="http://example.com")).status_code == 200


@pytest.mark.parametrize("project", ["abc", "-1", "18446744073709551616", "1.5"])
async def test_bad_project_paths(gateway, project):
    answer = await gateway.send(envelope(feedback()), f"/api/{project}/envelope/")
    assert (answer.status_code, answer.json()) == (400, {"detail": "bad project path parameter"})


async def test_another_projects_path_is_refused_and_recorded(gateway):
    answer = await gateway.send(envelope(feedback(), event()), "/api/2/envelope/")
    assert answer.status_code == 403
    assert await gateway.kinds() == []
    assert await gateway.outcomes() == {(14, 3, "project_id"): 1, (1, 3, "project_id"): 1}
    assert await gateway.steps() == [(EVENT_ID, "invalid", "project_id")]


async def test_unknown_keys_leave_no_outcome(gateway):
    auth = f"Sentry sentry_key={'e' * 32}"
    assert (await gateway.send(envelope(feedback()), x_sentry_auth=auth)).status_code == 403
    assert await gateway.entries() == []


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


async def test_preflight(gateway):
    answer = await gateway.client.options("/api/1/envelope/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-max-age"] == "3600"
    assert "x-sentry-auth" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_wrong_method_names_the_right_one(gateway):
    answer = await gateway.client.get("/api/1/envelope/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_slashes_collapse_and_the_last_one_is_required(gateway):
    assert (await gateway.send(envelope(feedback()), f"{gateway.url}//api///1//envelope//")).status_code == 200
    assert (await gateway.send(envelope(feedback()), "/api/1/envelope")).status_code == 404


async def test_empty_body(gateway):
    answer = await gateway.send(b"")
    assert (answer.status_code, answer.json()) == (400, {"detail": "empty request body"})


async def test_internal_items_are_refused(gateway):
    answer = await gateway.send(envelope(({"type": "integration"}, b"{}"), feedback()))
    assert (answer.status_code, answer.json()) == (400, {"detail": "envelope contains internal items"})
    assert await gateway.kinds() == []


async def test_event_and_feedback_are_both_taken(gateway):
    assert (await gateway.send(envelope(event(), feedback()))).status_code == 200
    assert await gateway.kinds() == ["error-event.received", "feedback.submitted"]


@pytest.mark.parametrize(
    ("items", "name"),
    [
        ((event(), event()), "event"),
        ((feedback(), feedback()), "user_report_v2"),
        ((feedback(), ({"type": "transaction"}, b"{}")), "transaction"),
        ((event(message="x" * 1024 * 1024),), "event"),
        ((feedback(tags={"x": "x" * 1024 * 1024}),), "user_report_v2"),
        ((({"type": "check_in"}, b"x" * (100 * 1024 + 1)),), "check_in"),
        ((({"type": "check_in"}, b"{}"), ({"type": "check_in"}, b"{}")), "check_in"),
        (tuple(({"type": "attachment", "filename": "a"}, b"") for _ in range(31)), "attachment:attachment"),
        (tuple(({"type": "session"}, b"{}") for _ in range(101)), "session"),
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
    head, payload = event(message="")
    payload = event(message="x" * (1024 * 1024 - len(payload)))[1]
    assert len(payload) == 1024 * 1024
    assert (await gateway.send(envelope((head, payload)))).status_code == 200


async def test_an_oversized_client_report_costs_only_itself(gateway):
    answer = await gateway.send(envelope(feedback(), client_report(90 * 1024), client_report(20 * 1024)))
    assert answer.status_code == 200
    assert await gateway.kinds() == ["client-report.received", "feedback.submitted"]
    assert await gateway.outcomes() == {(-1, 3, "too_large:client_report"): 1}
    assert [(state, reason) for _, state, reason in await gateway.steps() if reason] == [
        ("invalid", "too_large:client_report")
    ]


async def test_refused_client_reports_of_an_envelope_share_a_fate_by_reason(gateway):
    deep = ({"type": "client_report"}, b'{"x":' + b"[" * 500 + b"]" * 500 + b"}")
    answer = await gateway.send(envelope(deep, deep, *[client_report(60 * 1024)] * 3, event_id=None))
    assert answer.status_code == 200
    assert await gateway.outcomes() == {(-1, 3, "nesting_too_deep"): 2, (-1, 3, "too_large:client_report"): 2}
    assert [reason for _, _, reason in await gateway.steps()] == ["nesting_too_deep", "too_large:client_report"]


@pytest.mark.parametrize(
    ("item", "outcomes"),
    [
        (({"type": "session"}, b"{}"), {(5, 3): 1}),
        (({"type": "sessions", "item_count": 4}, b"{}"), {(5, 3): 4}),
        (({"type": "check_in"}, b"{}"), {(10, 3): 1}),
        (({"type": "replay_event"}, b"{}"), {(7, 3): 1}),
        (({"type": "log", "item_count": 2}, b"abc"), {(23, 3): 2, (24, 3): 3}),
        (({"type": "span", "item_count": 2}, b"abc"), {(12, 3): 2, (16, 3): 2}),
        (({"type": "transaction"}, b'{"spans":[{},{}]}'), {(2, 3): 1, (9, 3): 1, (12, 3): 3, (16, 3): 3}),
        (({"type": "profile", "platform": "python"}, b"{}"), {(6, 3): 1, (11, 3): 1, (35, 3): 1}),
        (({"type": "form_data"}, b"{}"), {(-1, 3): 1}),
        (({"type": "wombat"}, b"{}"), {(-1, 3): 1}),
        (({"type": ""}, b"{}"), {(-1, 3): 1}),
        (({"type": "attachment", "attachment_type": "wombat"}, b"{}"), {(-1, 3): 1}),
    ],
)
async def test_what_nobody_stores_is_counted_and_never_an_error(gateway, item, outcomes):
    assert (await gateway.send(envelope(item))).status_code == 200
    found = await gateway.outcomes()
    assert {(category, outcome): n for (category, outcome, _), n in found.items()} == outcomes
    assert {reason for _, _, reason in found} == {"unsupported_type"}


async def test_unknown_items_of_an_unknown_project_are_200(gateway):
    answer = await gateway.send(envelope(({"type": "wombat"}, b"")), x_sentry_auth=f"Sentry sentry_key={'e' * 32}")
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert await gateway.entries() == []


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
    assert (await gateway.send(envelope(({"type": "user_report"}, b"{broken")))).status_code == 200
    assert await gateway.steps() == [(EVENT_ID, "accepted", None)]


async def test_broken_events_are_an_outcome_not_an_error(gateway):
    for payload in (b"{broken", b"[]", b"", b"\xff\xfe", b"[" * 100_000):
        assert (await gateway.send(envelope(({"type": "event"}, payload)))).status_code == 200
    assert await gateway.outcomes() == {(1, 3, "invalid_json"): 5}


async def test_equal_outcomes_of_an_envelope_are_summed_and_counted(gateway):
    unknown = {"type": "attachment", "filename": "a", "attachment_type": "unheard.of"}
    sessions = [({"type": "session"}, b"{}") for _ in range(3)]
    await gateway.send(
        envelope(feedback(), *sessions, ({"type": "sessions", "item_count": 7}, b"{}"), (unknown, b"x"))
    )
    [entry] = await gateway.entries("outcome.recorded")
    counts = {(one.category, one.quantity, one.times) for one in entry.message.outcomes}
    assert counts == {(5, 10, 4), (-1, 1, 1)}


async def test_an_event_that_is_a_feedback_goes_that_way_whole(gateway):
    _, payload = feedback(type="feedback")
    await gateway.send(envelope(({"type": "event"}, payload)))
    [entry] = await gateway.entries("feedback.submitted")
    assert entry.body == payload
    assert await gateway.steps() == [(EVENT_ID, "accepted", None)]


async def test_ingestion_switched_off_refuses_words_and_keeps_the_rest(start_gateway):
    project = {"features": {"organizations:user-feedback-ingest": False}}
    async with start_gateway(project=project) as gateway:
        alone = await gateway.send(envelope(feedback(), ({"type": "attachment", "filename": "a"}, b"xyz")))
        assert alone.status_code == 403
        detail = "event submission rejected with_reason: FeatureDisabled(UserFeedbackIngest)"
        assert alone.json() == {"detail": detail}
        with_report = envelope(feedback(), ({"type": "attachment", "filename": "a"}, b"xyz"), client_report())
        assert (await gateway.send(with_report)).status_code == 200
        assert await gateway.kinds() == ["client-report.received"], "nothing is kept for a feedback that is not"
        mixed = await gateway.send(envelope(event(), user_report()))
        assert mixed.status_code == 200
        assert await gateway.kinds() == ["client-report.received", "error-event.received"]
        reason = "feature_disabled"
        assert await gateway.outcomes() == {(14, 3, reason): 3, (4, 3, reason): 6, (22, 3, reason): 2}
        assert await gateway.steps() == [(EVENT_ID, "invalid", reason)] * 3


async def test_clock_drift_is_told_from_55_minutes_on(gateway):
    for minute in ("11:05:01", "11:05:00"):
        await gateway.send(envelope(feedback(), sent_at=f"2026-11-24T{minute}Z"))
    entries = await gateway.entries("feedback.submitted")
    assert [entry.message.sent_at is None for entry in entries] == [True, False]


@pytest.mark.parametrize("name", ["cf-connecting-ip", "x-forwarded-for"])
async def test_a_forwarded_address_is_the_clients(gateway, name):
    await gateway.send(envelope(feedback()), **{name: "203.0.113.9, 127.0.0.1"})
    [entry] = await gateway.entries("feedback.submitted")
    assert entry.message.remote_addr == "203.0.113.9"


async def test_nul_characters_of_events_do_not_travel(gateway):
    head, payload = event(message="a\0b", tags={"k\0": "v\0"}, user={"email": "a\0@b.c"})
    assert b"\\u0000" in payload
    await gateway.send(envelope((head, payload)))
    [entry] = await gateway.entries("error-event.received")
    assert (entry.message.message, entry.message.tags) == ("ab", {"k": "v"})
    assert "\0" not in json.dumps(entry.data)
    assert "\\u0000" not in json.dumps(entry.data)
