"""The OpenAPI document: committed as generated, and true of a running registry whatever it is sent."""

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest
import schemathesis
from hearback_devkit.testing import eventually_sync
from hearback_kit.http import ServiceClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry.__main__ import PROGRAM
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DOCUMENT = Path(__file__).parents[3] / "registry" / "openapi.json"
MIGRATIONS = "registry.store.migrations"
SECRET = "schemathesis"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
KNOWN = {"organization": "demo", "project": "web", "key": "1", "member": "1"}
_LOADED = json.loads(DOCUMENT.read_text())
OPERATIONS = [(path, method) for path, item in _LOADED["paths"].items() for method in item if path != "/metrics"]
# Last, for it may revoke the token of the examples, and all others would only show 401.
OPERATIONS.sort(key=lambda operation: operation[0].endswith("api-tokens/{token}/"))


def test_the_committed_document_is_current():
    assert DOCUMENT.read_bytes() == PROGRAM.openapi()


@contextmanager
def serving(database_url: str, redis_url: str):
    """A registry in a process of its own: its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "REGISTRY_SERVICE_DATABASE_URL": database_url,
        "REGISTRY_PORT": str(port),
        "HEARBACK_REDIS_URL": redis_url,
        "HEARBACK_SECRET_KEY": SECRET,
        "HEARBACK_LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "registry", "run"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"

    def is_ready():
        try:
            return httpx.get(f"{url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    try:
        eventually_sync(is_ready, seconds=30)
        yield url
    finally:
        process.terminate()
        assert process.wait(20) == 0


async def bootstrap(url: str) -> str:
    """The owner's token."""
    client = ServiceClient(url, service="launcher", secret=SECRET)
    body = orjson.dumps({"organization": "demo", "project": "web"})
    answer = await client.request("POST", "/internal/bootstrap", body=body)
    await client.close()
    return answer.json()["token"]


@pytest.mark.timeout(240)
async def test_every_operation_keeps_its_word(make_database, redis_url):
    with serving(await make_database(MIGRATIONS), redis_url) as url:
        headers = {"Authorization": f"Bearer {await bootstrap(url)}"}
        schema = schemathesis.openapi.from_dict(_LOADED)
        for path, method in OPERATIONS:
            hold_to_its_word(schema[path][method.upper()], url, headers)


def hold_to_its_word(operation, url, headers):
    @settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(), st.booleans(), st.booleans())
    def hold(case, is_known, is_owner):
        if is_known:
            case.path_parameters = {
                name: KNOWN.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
            if isinstance(case.body, dict) and case.body.get("slug"):
                case.body = {**case.body, "slug": None}
        sent = headers if is_owner else None
        case.call_and_validate(base_url=url, headers=sent, checks=CHECKS)

    hold()
