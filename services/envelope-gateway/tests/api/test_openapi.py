"""The OpenAPI document: committed as generated, and true of a running gateway whatever it is sent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from envelope_gateway.__main__ import PROGRAM
from envelope_gateway.api.endpoints import ENDPOINTS
from envelope_gateway.api.routing import match_path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DOCUMENT = Path(__file__).parents[2] / "openapi.json"
PUBLIC_KEY = "0123456789abcdef0123456789abcdef"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
_LOADED = json.loads(DOCUMENT.read_text())
OPERATIONS = [
    pytest.param(path, method, id=f"{method} {path}")
    for path, item in _LOADED["paths"].items()
    for method in item
    if path != "/metrics"
]


def test_the_committed_document_is_current():
    assert DOCUMENT.read_bytes() == PROGRAM.openapi()


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


async def test_every_operation_keeps_its_word(server):
    schema = schemathesis.openapi.from_dict(_LOADED)
    for parameters in OPERATIONS:
        path, method = parameters.values
        _hold_to_its_word(schema[path][method.upper()], server)


def _hold_to_its_word(operation: Any, url: str) -> None:
    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(), st.booleans())
    def hold(case: Any, is_known: bool) -> None:
        if is_known:
            if "project_id" in case.path_parameters:
                case.path_parameters["project_id"] = 1
            if "public_key" in case.path_parameters:
                case.path_parameters["public_key"] = PUBLIC_KEY
            else:
                case.headers["X-Sentry-Auth"] = f"Sentry sentry_key={PUBLIC_KEY}, sentry_version=7"
            case.query.pop("sentry_key", None)
        case.call_and_validate(base_url=url, checks=CHECKS)

    hold()
