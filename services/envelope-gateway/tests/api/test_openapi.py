"""The OpenAPI document: committed as generated, and true of a running gateway whatever it is sent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from envelope_gateway.api.endpoints import ENDPOINTS
from envelope_gateway.api.routing import match_path
from hearback_devkit.openapi import assert_conforms

DOCUMENT = Path(__file__).parents[2] / "openapi.json"
PUBLIC_KEY = "0123456789abcdef0123456789abcdef"
_LOADED = json.loads(DOCUMENT.read_text())


@pytest.fixture
async def server(redis_url: str, publish: Callable[[str], Any], serve_gateway: Any) -> Any:
    await publish(redis_url)
    with serve_gateway() as process:
        yield process.url


def test_every_documented_path_reaches_its_endpoint():
    for endpoint in ENDPOINTS:
        found = match_path(endpoint.path.format_map(_Examples()))
        assert found is not None
        assert found[0] is endpoint
        assert set(found[1]) == set(endpoint.parameters)
        assert {method.upper() for method in _LOADED["paths"][endpoint.path]} == endpoint.methods


class _Examples(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "1"


async def test_answers_conform(server):
    await assert_conforms(
        _LOADED, server, known={}, prepare=authenticate, is_tried=lambda operation: operation.path != "/metrics"
    )


def authenticate(case: Any, is_known: bool) -> None:
    """Name the project and its key, wherever the operation takes them."""
    if not is_known:
        return
    if "project_id" in case.path_parameters:
        case.path_parameters["project_id"] = 1
    if "public_key" in case.path_parameters:
        case.path_parameters["public_key"] = PUBLIC_KEY
    else:
        case.headers["X-Sentry-Auth"] = f"Sentry sentry_key={PUBLIC_KEY}, sentry_version=7"
    case.query.pop("sentry_key", None)
