"""Endpoints whose data is not stored: a clean answer and a recorded discard."""

import pytest

PUBLIC_KEY = "0123456789abcdef0123456789abcdef"
UNSUPPORTED = "unsupported_type"


@pytest.mark.parametrize(
    ("path", "status", "outcomes"),
    [
        ("/api/1/nel/", 200, {(-1, 3, UNSUPPORTED): 1}),
        ("/api/1/cron/nightly/", 202, {(10, 3, UNSUPPORTED): 1}),
        ("/api/1/cron/nightly", 202, {(10, 3, UNSUPPORTED): 1}),
        ("/api/1/integration/otlp/v1/logs", 200, {(23, 3, UNSUPPORTED): 1, (24, 3, UNSUPPORTED): 1}),
        ("/api/1/integration/otlp/v1/traces", 200, {(12, 3, UNSUPPORTED): 1, (16, 3, UNSUPPORTED): 1}),
        ("/api/1/upload/", 403, {(4, 3, UNSUPPORTED): 1, (22, 3, UNSUPPORTED): 1}),
    ],
)
async def test_discards_are_answered_and_recorded(gateway, path, status, outcomes):
    answer = await gateway.send(b"anything", path)
    assert answer.status_code == status
    assert await gateway.kinds() == []
    assert await gateway.outcomes() == outcomes


@pytest.mark.parametrize("path", [f"/api/1/unreal/{PUBLIC_KEY}/", f"/api/1/cron/nightly/{PUBLIC_KEY}/"])
async def test_keys_in_the_path_authenticate(gateway, path):
    assert (await gateway.send(b"x", path, x_sentry_auth="")).status_code in {200, 202}
    assert (await gateway.send(b"x", path)).status_code == 401


@pytest.mark.parametrize("path", ["/api/1/security/", "/api/1/csp-report/"])
async def test_security_reports_count_one_by_one(gateway, path):
    answer = await gateway.send(b"[{},{}]", path, content_type="application/reports+json")
    assert (answer.status_code, answer.content) == (200, b"")
    assert await gateway.outcomes() == {(3, 3, UNSUPPORTED): 2}


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/csp-report", b"{}", 200),
        ("application/json; charset=utf-8", b"{}", 200),
        ("text/plain", b"{}", 415),
        ("nonsense", b"{}", 400),
        ("application/json", b"", 400),
        ("application/json", b"{", 400),
    ],
)
async def test_security_content_types(gateway, content_type, body, status):
    answer = await gateway.send(body, "/api/1/security/", content_type=content_type)
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/api/1/nel/", "/api/1/minidump/", "/api/1/security/", "/api/1/cron/x/"])
async def test_discards_need_authentication(gateway, path):
    answer = await gateway.send(b"{}", path, x_sentry_auth="", content_type="application/json")
    assert (answer.status_code, answer.json()) == (401, {"detail": "missing authorization information"})


@pytest.mark.parametrize(
    "path", ["/api/0/relays/live/", "/api/relay/healthcheck/live/", "/api/relay/healthcheck/ready/"]
)
async def test_relay_health(gateway, path):
    answer = await gateway.client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"is_healthy": True})


async def test_other_paths_are_not_found(gateway):
    for path in ("/api/1/wombat/", "/api/1/envelope", "/api/1/store", "/"):
        assert (await gateway.client.post(path)).status_code == 404
