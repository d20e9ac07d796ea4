"""A missing last slash and another method are answered alike by every service, for every path it has.

Apps are asked without being started: no route is reached.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from hearback_contracts.routes import service_of
from hearback_local.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("get", "head", "post", "put", "patch", "delete")
# As Relay and the dialog have them (protocol: http#endpoints).
INGEST = re.compile(r"/api/(\{project_id\}|store|embed)/")


def document_of(service: Any) -> Any:
    return json.loads((ROOT / f"services/{service.folder}/openapi.json").read_text())


def app_of(service: Any) -> Any:
    return service.load().create_app(service.load().settings.model_construct())


def paths_of(service: Any) -> dict[str, set[str]]:
    return {
        re.sub(r"\{[^}]*\}", "1", path): {method for method in item if method in METHODS}
        for path, item in document_of(service)["paths"].items()
        if path.endswith("/") and path != "/" and not INGEST.match(path)
    }


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_path_leads_to_its_service(service: Any) -> None:
    number, short_id = ("2", "WEB-1") if service.name == "feedback" else ("1", "WEB-ERR-1")  # they tell whose
    paths = [path for path in document_of(service)["paths"] if path.startswith("/api/")]
    assert paths
    for path in paths:
        known = re.sub(r"\{[^}]*\}", number, path.replace("{short_id}", short_id))
        assert service_of(known) == service.name, path
        if path.startswith("/api/0/") and path.endswith("/"):
            assert service_of(known[:-1]) == service.name, f"{path} without its last slash"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_a_path_without_its_last_slash_is_redirected_for_reading_only(service: Any) -> None:
    transport = httpx.ASGITransport(app=app_of(service), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for path, methods in paths_of(service).items():
            for method in methods:
                answer = await client.request(method, f"{path[:-1]}?a=1")
                if method == "get":
                    found = (answer.status_code, answer.headers.get("location"))
                    assert found == (307, f"{path}?a=1"), (method, path)
                else:
                    assert answer.status_code == 404, (method, path)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_another_method_is_answered_with_all_methods_of_the_path(service: Any) -> None:
    transport = httpx.ASGITransport(app=app_of(service), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for path, methods in paths_of(service).items():
            other = next(one for one in METHODS if one not in methods | {"head"})
            answer = await client.request(other, path)
            assert answer.status_code == 405, (other, path)
            allowed = set(answer.headers["allow"].lower().split(", "))
            assert ("head" in allowed) is ("get" in methods) or path.startswith("/api/embed/"), (path, allowed)
            assert allowed - {"head", "options"} >= methods - {"head"}, (other, path, allowed)
