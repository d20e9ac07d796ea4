"""The OpenAPI document: committed as generated, true whatever the app is sent."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from feedback.__main__ import PROGRAM
from hearback_contracts.routes import service_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from ..conftest import Api

DOCUMENT = Path(__file__).parents[2] / "openapi.json"
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
EXAMPLES = 15


def test_the_committed_document_is_current() -> None:
    assert DOCUMENT.read_bytes() == PROGRAM.openapi()


def test_every_path_leads_here() -> None:
    known = {"organization": "demo", "project": "web", "issue_id": "2", "event_id": "e", "attachment_id": "1"}
    document = PROGRAM.create_app(PROGRAM.settings()).openapi()
    paths = [path.format(**known, key="k") for path in document["paths"] if path.startswith("/api/")]
    assert len(paths) > 10
    assert {service_of(path) for path in paths} == {"feedback"}


@pytest.mark.timeout(240)
async def test_every_operation_keeps_its_word(api: Api) -> None:
    event_id = await api.submit(tags={"k": "v"})
    issue = await api.issue(event_id)
    known = {"organization": "demo", "project": "web", "issue_id": issue["id"], "event_id": event_id, "key": "k"}
    schema = schemathesis.openapi.from_dict(api.app.openapi())
    operations = [result.ok() for result in schema.get_all_operations()]
    loop = asyncio.get_running_loop()

    def send(case: Any) -> httpx.Response:
        sent = case.as_transport_kwargs(base_url="http://testserver")
        sent.pop("cookies", None)
        if isinstance(sent.get("data"), dict):
            sent.pop("data")
        return asyncio.run_coroutine_threadsafe(api.client.request(**sent), loop).result()

    for operation in operations:
        if operation.path.startswith("/api/") and operation.method.upper() != "DELETE":
            await asyncio.to_thread(hold, operation, send, known)
    for operation in operations:
        if operation.method.upper() == "DELETE":
            await asyncio.to_thread(hold, operation, send, known)


def hold(operation: Any, send: Any, known: dict[str, str]) -> None:
    @given(case=operation.as_strategy(), is_known=st.booleans())
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def check(case: Any, is_known: bool) -> None:
        if is_known:
            names = case.path_parameters or {}
            case.path_parameters = {name: known.get(name, value) for name, value in names.items()}
        case.validate_response(send(case), checks=CHECKS)

    check()
