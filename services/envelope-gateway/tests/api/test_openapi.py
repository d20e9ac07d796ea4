"""The OpenAPI document: committed as generated, and true of a running gateway whatever it is sent."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from envelope_gateway.__main__ import PROGRAM
from hearback_kit.testing import eventually_sync
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DOCUMENT = Path(__file__).parents[2] / "openapi.json"
AUTH = "Sentry sentry_key=0123456789abcdef0123456789abcdef, sentry_version=7"
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
async def server(redis_url: str, publish: Callable[[str], Any], tmp_path: Path) -> Any:
    await publish(redis_url)
    with _serving(redis_url, tmp_path) as url:
        yield url


class _serving:  # noqa: N801 - used as a context manager
    """A gateway in a process of its own, with a port of its own."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._env = {
            **os.environ,
            "HEARBACK_REDIS_URL": redis_url,
            "HEARBACK_BLOB_URL": f"file://{folder}/blobs",
            "HEARBACK_DATA_DIR": str(folder),
            "HEARBACK_STREAM_SHARDS": "2",
            "ENVELOPE_GATEWAY_PORT": str(port),
        }

    def __enter__(self) -> str:
        command = [sys.executable, "-m", "envelope_gateway", "serve"]
        self._process = subprocess.Popen(command, env=self._env, stdout=subprocess.DEVNULL)
        eventually_sync(self._is_ready, seconds=30)
        return self._url

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self._url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


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
        if is_known and "project_id" in case.path_parameters:
            case.path_parameters["project_id"] = 1
            case.headers["X-Sentry-Auth"] = AUTH
            case.query.pop("sentry_key", None)
        case.call_and_validate(base_url=url, checks=CHECKS)

    hold()
