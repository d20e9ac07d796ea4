"""The OpenAPI document holds for whatever a generator can think of."""

import asyncio
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

EXAMPLES = 25
KNOWN = {"organization": "demo", "project": "web", "rule_id": "1", "submission_id": "a" * 32}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.mark.timeout(240)
async def test_answers_conform(api: Any) -> None:
    schema = schemathesis.openapi.from_dict(api.app.openapi())
    operations = [result.ok() for result in schema.get_all_operations()]
    tried = [operation for operation in operations if operation.path.startswith("/api/")]
    assert len(tried) == 9
    loop = asyncio.get_running_loop()

    def send(case: Any) -> httpx.Response:
        sent = case.as_transport_kwargs(base_url="http://testserver")
        sent.pop("cookies", None)
        if isinstance(sent.get("data"), dict):
            sent.pop("data")
        return asyncio.run_coroutine_threadsafe(api.client.request(**sent), loop).result()

    for operation in tried:
        await asyncio.to_thread(hold, operation, send)


def hold(operation: Any, send: Any) -> None:
    @given(case=operation.as_strategy(), is_known=st.booleans())
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def check(case: Any, is_known: bool) -> None:
        if is_known:
            given_path = case.path_parameters or {}
            case.path_parameters = {name: KNOWN.get(name, value) for name, value in given_path.items()}
        case.validate_response(send(case), checks=CHECKS)

    check()
