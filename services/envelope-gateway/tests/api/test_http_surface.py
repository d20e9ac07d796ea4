"""The HTTP surface: paths, methods, authentication, CORS, answers (protocol: http#endpoints)."""

import base64
import gzip
import json

import pytest

from ..data.envelopes import (
    EVENT_ID,
    FILES,
    FORM,
    KEY,
    OFF_KEY,
    UNKNOWN_KEY,
    envelope,
    feedback,
    form,
    item,
    sentry,
)

FEEDBACK = envelope(feedback())
EVENT = b'{"event_id":"%b","message":"boom"}' % EVENT_ID.encode()
ALLOWED_HEADERS = {
    "x-sentry-auth", "x-requested-with", "x-forwarded-for", "origin", "referer", "accept", "content-type",
    "authentication", "authorization", "content-encoding", "transfer-encoding",
}  # fmt: skip
# path, methods, body, content type, status of success
ENDPOINTS = [
    ("/api/1/envelope/", "POST", FEEDBACK, "application/x-sentry-envelope", 200),
    ("/api/1/store/", "GET,POST", EVENT, "application/json", 200),
    ("/api/store/", "GET,POST", EVENT, "application/json", 200),
    (FILES, "POST", form(('name="a"; filename="a"', b"12345")), FORM["content_type"], 201),
    ("/api/1/security/", "POST", b"{}", "application/csp-report", 200),
    ("/api/1/csp-report/", "POST", b"{}", "application/csp-report", 200),
    ("/api/1/nel/", "POST", b"{}", "application/reports+json", 200),
    ("/api/1/minidump/", "POST", b"MDMPx", "application/octet-stream", 200),
    ("/api/1/minidump", "POST", b"MDMPx", "application/octet-stream", 200),
    ("/api/1/cron/nightly/", "GET,POST", b"{}", "application/json", 202),
    ("/api/1/cron/nightly", "GET,POST", b"{}", "application/json", 202),
    ("/api/1/upload/", "PATCH,POST", b"x", "application/offset+octet-stream", 403),
    ("/api/1/integration/otlp/v1/logs", "POST", b"x", "application/x-protobuf", 200),
    ("/api/1/integration/otlp/v1/logs/", "POST", b"x", "application/x-protobuf", 200),
    ("/api/1/integration/otlp/v1/traces", "POST", b"x", "application/x-protobuf", 200),
    ("/api/1/integration/vercel/logs", "POST", b"x", "application/json", 200),
]
WITH_KEY = [f"/api/1/unreal/{KEY}/", f"/api/1/cron/nightly/{KEY}/", f"/api/1/cron/nightly/{KEY}"]
IN_PATH = [(path, "POST" if "unreal" in path else "GET,POST", b"x", "text/plain", 0) for path in WITH_KEY]
PATHS = [pytest.param(*row, id=row[0]) for row in [*ENDPOINTS, *IN_PATH]]
AUTHENTICATED = PATHS[: len(ENDPOINTS)]
SURFACE = ("path", "methods", "body", "kind", "status")


async def call(gateway, method, path, body=b"", **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    return await gateway.client.request(method, f"{gateway.url}{path}", content=body, headers=given)


def has_cors(answer) -> bool:
    exposed = "x-sentry-error,x-sentry-rate-limits,retry-after"
    return (
        answer.headers.get("access-control-allow-origin") == "*"
        and answer.headers.get("access-control-expose-headers") == exposed
        and "access-control-allow-credentials" not in answer.headers
        and answer.headers.get("cross-origin-resource-policy") == "cross-origin"
    )


@pytest.mark.parametrize(SURFACE, PATHS)
async def test_a_preflight_needs_nothing(gateway, path, methods, body, kind, status):
    answer = await call(gateway, "OPTIONS", path, access_control_request_method="POST", origin="http://a.example")
    assert (answer.status_code, answer.content) == (200, b"")
    headers = answer.headers
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-allow-methods"] == "POST"
    assert headers["access-control-max-age"] == "3600"
    assert set(headers["access-control-allow-headers"].split(",")) >= ALLOWED_HEADERS
    assert headers["vary"] == "origin, access-control-request-method, access-control-request-headers"
    traced = await call(gateway, "OPTIONS", path, access_control_request_headers="content-type,TraceParent")
    more = ",traceparent,tracestate"
    assert traced.headers["access-control-allow-headers"] == headers["access-control-allow-headers"] + more
    assert await gateway.entries() == []


@pytest.mark.parametrize(SURFACE, PATHS)
async def test_another_method_reads_which_ones_there_are(gateway, path, methods, body, kind, status):
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - set(methods.split(",")):
        answer = await call(gateway, method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, methods)
    assert await gateway.entries() == []


@pytest.mark.parametrize(SURFACE, AUTHENTICATED)
async def test_slashes_collapse(gateway, path, methods, body, kind, status):
    path = "/" + path.replace("/", "//")
    assert path.startswith("///")
    answer = await call(gateway, "POST", path, body, content_type=kind, **sentry(KEY))
    assert answer.status_code == status, answer.text
    assert has_cors(answer)


async def test_other_paths_and_a_missing_slash_are_not_found(gateway):
    missing = ["/api/1/envelope", "/api/1/store", "/api/store", "/api/1/security", "/envelope/"]
    for path in [*missing, "/api/1/wombat/", "/"]:
        assert (await gateway.send(FEEDBACK, path)).status_code == 404, path


@pytest.mark.parametrize(SURFACE, AUTHENTICATED)
async def test_every_way_to_authenticate_works_everywhere(gateway, path, methods, body, kind, status):
    basic = base64.b64encode(f"{KEY}:secret".encode()).decode()
    for headers, query in (
        ({"x_sentry_auth": f"Sentry sentry_version=5, sentry_key={KEY}"}, ""),
        ({"x_sentry_auth": "", "authorization": f"sentry sentry_key={KEY}.no-cache"}, ""),
        ({"authorization": f"Basic {basic}", "x_sentry_auth": "Bearer x"}, ""),
        ({}, f"?sentry_key={KEY}&sentry_version=7"),
    ):
        answer = await call(gateway, "POST", path + query, body, content_type=kind, **headers)
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(SURFACE, AUTHENTICATED)
async def test_every_refusal_of_authentication_is_the_same_everywhere(gateway, path, methods, body, kind, status):
    missing = "bad envelope authentication header" if path.endswith("/envelope/") else None
    for headers, query, wanted, detail in (
        ({}, "", 401, missing or "missing authorization information"),
        (sentry(KEY), f"?sentry_key={KEY}", 401, "multiple authorization payloads detected"),
        ({}, "?sentry_client=x", 401, "bad x-sentry-auth header"),
        (sentry(KEY, sentry_version="8"), "", 400, "unsupported protocol version (8)"),
        ({}, "?sentry_key=short", 400, "bad sentry DSN public key"),
        ({}, f"?sentry_key={UNKNOWN_KEY}", 403, "event submission rejected with_reason: ProjectId"),
        ({}, f"?sentry_key={OFF_KEY}", 403, "event submission rejected with_reason: ProjectId"),
    ):
        answer = await call(gateway, "POST", path + query, body, content_type=kind, **headers)
        assert (answer.status_code, answer.json()["detail"]) == (wanted, detail)
        assert set(answer.json()) <= {"detail", "causes"}
        assert answer.headers["content-type"] == "application/json"
        assert has_cors(answer)
    assert await gateway.kinds() == []


@pytest.mark.parametrize(SURFACE, [pytest.param(*row, id=row[0]) for row in ENDPOINTS if row[0] != "/api/store/"])
async def test_project_ids_are_u64_and_the_keys_own(gateway, path, methods, body, kind, status):
    for project, wanted, detail in (
        ("x", 400, "bad project path parameter"),
        ("-1", 400, "bad project path parameter"),
        ("1.0", 400, "bad project path parameter"),
        ("18446744073709551616", 400, "bad project path parameter"),
        ("18446744073709551615", 403, "event submission rejected with_reason: ProjectId"),
        ("2", 403, "event submission rejected with_reason: ProjectId"),
    ):
        other = path.replace("/api/1/", f"/api/{project}/")
        answer = await call(gateway, "POST", other, body, content_type=kind, **sentry(KEY))
        assert (answer.status_code, answer.json()["detail"]) == (wanted, detail)
        assert has_cors(answer)


@pytest.mark.parametrize(SURFACE, AUTHENTICATED)
async def test_unknown_encodings_are_415(gateway, path, methods, body, kind, status):
    for encoding in ("snappy", "gzip, gzip", "br,gzip"):
        answer = await gateway.send(body, path, content_type=kind, content_encoding=encoding)
        assert (answer.status_code, answer.content) == (415, b"")
        assert answer.headers["accept-encoding"] == "gzip,deflate,br,zstd"
        assert has_cors(answer)
    assert await gateway.kinds() == []


REFUSED = [
    (400, "POST", {}, b""),
    (401, "POST", {"x_sentry_auth": None}, FEEDBACK),
    (403, "POST", sentry(UNKNOWN_KEY), FEEDBACK),
    (405, "DELETE", {}, b""),
    (413, "POST", {}, b"x" * 70_000),
    (415, "POST", {"content_encoding": "snappy"}, FEEDBACK),
    (503, "POST", {}, FEEDBACK),
]


@pytest.mark.parametrize(("status", "method", "headers", "body"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_a_page_can_read_each_refusal(start_gateway, redis_proxy, status, method, headers, body):
    async with start_gateway(envelope_bytes_max=65_536, redis_url=redis_proxy.url) as gateway:
        if status == 503:
            redis_proxy.refuse()
        answer = await call(gateway, method, "/api/1/envelope/", body, **{**sentry(KEY), **headers})
        assert answer.status_code == status
        assert has_cors(answer)


@pytest.mark.parametrize(SURFACE, [pytest.param(*row, id=row[0]) for row in ENDPOINTS])
async def test_repeated_headers_are_one_list(gateway, path, methods, body, kind, status):
    headers = [("x-sentry-auth", f"Sentry sentry_key={KEY}"), ("x-a", "1"), ("x-a", "2")]
    headers += [("content-type", kind)] if kind else []
    answer = await gateway.client.post(path, content=body, headers=headers)
    assert answer.status_code == status
    encoded = [*headers, ("content-encoding", "gzip"), ("content-encoding", "gzip")]
    assert (await gateway.client.post(path, content=body, headers=encoded)).status_code == 415


@pytest.mark.parametrize(
    "kind", ["application/x-sentry-envelope", "text/plain", "application/x-www-form-urlencoded", "x", None]
)
async def test_an_envelope_has_any_content_type(gateway, kind):
    answer = await gateway.send(FEEDBACK, **({} if kind is None else {"content_type": kind}))
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})


async def test_answers_are_never_compressed(gateway):
    answer = await gateway.send(FEEDBACK, accept_encoding="gzip, br")
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-length"] == "41"


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, "127.0.0.1"),
        ({"x-forwarded-for": "192.0.2.4, 127.0.0.1"}, "192.0.2.4"),
        ({"x-forwarded-for": "192.0.2.4", "x-sentry-forwarded-for": "192.0.2.3, 10.0.0.1"}, "192.0.2.3"),
        ({"x-sentry-forwarded-for": "192.0.2.3", "x-vercel-forwarded-for": "192.0.2.2"}, "192.0.2.2"),
        ({"x-vercel-forwarded-for": "192.0.2.2", "cf-connecting-ip": "192.0.2.1"}, "192.0.2.1"),
        ({"cf-connecting-ip": "", "x-forwarded-for": "192.0.2.4"}, "192.0.2.4"),
    ],
)
async def test_the_chain_of_addresses(gateway, headers, wanted):
    body = envelope(feedback(), remote_addr="203.0.113.7", forwarded_for="203.0.113.8")
    assert (await gateway.send(body, **headers)).status_code == 200
    [entry] = await gateway.entries("feedback.submitted")
    assert entry.message.remote_addr == wanted


@pytest.mark.parametrize(("past", "status"), [(0, 200), (1, 413)])
async def test_bodies_at_their_limit_and_one_past_it(start_gateway, past, status):
    limit = 64 * 1024
    async with start_gateway(envelope_bytes_max=limit, event_bytes_max=limit) as gateway:
        for path, head in (("/api/1/envelope/", b'{}\n{"type":"wombat"}\n'), ("/api/1/store/", b'{"a":1}')):
            body = head.ljust(limit + past, b"x" if b"\n" in head else b" ")
            for sent, headers in ((body, {}), (gzip.compress(body), {"content_encoding": "gzip"})):
                answer = await gateway.send(sent, path, **headers)
                assert answer.status_code == status
                if status == 413:
                    assert answer.text == "Failed to buffer the request body: length limit exceeded"
                    assert answer.headers["content-type"].startswith("text/plain")
                    assert has_cors(answer)


async def test_reports_of_a_browser_are_counted_to_the_last_or_refused(gateway):
    kind = "application/reports+json"
    answer = await gateway.send(json.dumps([{}] * 500).encode(), "/api/1/security/", content_type=kind)
    assert answer.status_code == 200
    assert await gateway.outcomes() == {(3, 3, "unsupported_type"): 500}
    answer = await gateway.send(json.dumps([{}] * 501).encode(), "/api/1/security/", content_type=kind)
    assert (answer.status_code, answer.json()) == (413, {"detail": "request content exceeded size limits"})


@pytest.mark.parametrize(
    ("data", "status", "detail"),
    [("", 400, "empty request body"), ("!!", 400, "invalid request body"), ("e30", 200, None)],
)
async def test_the_pixel_refuses_what_the_body_would(gateway, data, status, detail):
    answer = await call(gateway, "GET", f"/api/1/store/?sentry_key={KEY}&sentry_data={data}")
    assert answer.status_code == status
    if detail is None:
        assert (answer.headers["content-type"], len(answer.content)) == ("image/gif", 26)
        assert answer.content.startswith(b"GIF89a")
    else:
        assert answer.json()["detail"] == detail


async def test_a_wrong_key_never_blocks_its_project(gateway):
    for key in (UNKNOWN_KEY, OFF_KEY, "d" * 32):
        for path in ("/api/1/envelope/", "/api/2/envelope/"):
            answer = await gateway.send(FEEDBACK, path, **sentry(key))
            assert answer.status_code == 403
        assert (await gateway.send(FEEDBACK)).status_code == 200
    assert await gateway.kinds() == ["feedback.submitted"] * 3
    assert await gateway.outcomes() == {(14, 3, "project_id"): 2}, "unknown keys belong to no project"


@pytest.mark.parametrize("key", [UNKNOWN_KEY, OFF_KEY])
async def test_unknown_items_alone_are_200_for_everybody(gateway, key):
    answer = await gateway.send(envelope(item("wombat"), event_id=None), **sentry(key))
    assert (answer.status_code, answer.content) == (200, b"{}")
