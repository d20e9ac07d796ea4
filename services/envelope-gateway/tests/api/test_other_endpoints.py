"""Endpoints whose data is not stored: a clean answer and a recorded discard."""

import pytest

from ..data.envelopes import KEY

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


@pytest.mark.parametrize("path", [f"/api/1/unreal/{KEY}/", f"/api/1/cron/nightly/{KEY}/"])
async def test_keys_in_the_path_authenticate(gateway, path):
    assert (await gateway.send(b"x", path, x_sentry_auth="")).status_code in {200, 202}
    assert (await gateway.send(b"x", path)).status_code == 401


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/csp-report", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        ("nonsense", 400),
    ],
)
async def test_security_content_types(gateway, content_type, status):
    answer = await gateway.send(b"{}", "/api/1/security/", content_type=content_type)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "path", ["/api/0/relays/live/", "/api/relay/healthcheck/live/", "/api/relay/healthcheck/ready/"]
)
async def test_relay_health(gateway, path):
    answer = await gateway.client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"is_healthy": True})
