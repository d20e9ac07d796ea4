"""The OpenAPI document: committed as generated, and true of the running app whatever it is sent."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hearback_contracts.routes import service_of
from hearback_devkit.testing import eventually
from hearback_kit.ids import random_id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from user_reports.__main__ import PROGRAM

DOCUMENT = Path(__file__).parents[2] / "openapi.json"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 8


class Server(uvicorn.Server):
    """Uvicorn that leaves the signals to the test runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The app, already started, on a free port: its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = Server(uvicorn.Config(app, lifespan="off", log_config=None, ws="none"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await eventually(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await task


def test_the_committed_document_is_current() -> None:
    assert DOCUMENT.read_bytes() == PROGRAM.openapi()


def test_every_path_leads_here() -> None:
    document = PROGRAM.create_app(PROGRAM.settings()).openapi()
    known = {"organization": "demo", "project": "web", "issue": "7", "event": "e", "report": "1"}
    paths = [path.format(**known) for path in document["paths"] if path.startswith("/api/")]
    assert paths
    assert {service_of(path) for path in paths} == {"user-reports"}


@pytest.mark.timeout(240)
async def test_every_operation_keeps_its_word(harness: Any, api: Any) -> None:
    event_id = random_id()
    await harness.deliver(harness.event(event_id), harness.report(event_id))
    known = {"organization": "demo", "project": "web", "issue": "1", "event": event_id, "report": "1"}
    schema = schemathesis.openapi.from_dict(PROGRAM.create_app(PROGRAM.settings()).openapi())
    async with served(api.app) as url:
        for result in schema.get_all_operations():
            operation = result.ok()
            if operation.path.startswith("/api/"):
                await asyncio.to_thread(hold_to_its_word, operation, url, api.owner, known)


def hold_to_its_word(operation: Any, url: str, headers: dict[str, str], known: dict[str, str]) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(), st.booleans(), st.booleans())
    def hold(case: Any, is_known: bool, is_owner: bool) -> None:
        if is_known:
            names = case.path_parameters or {}
            case.path_parameters = {name: known.get(name, value) for name, value in names.items()}
        case.call_and_validate(base_url=url, headers=headers if is_owner else None, checks=CHECKS)

    hold()
