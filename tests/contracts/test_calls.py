"""Every call of one service's HTTP API by another is of a route that the called one has, public or signed."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hearback_local.generate.network import CALLS
from hearback_local.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
# What is shared calls the registry in the name of the service that uses it.
SHARED = [ROOT / "shared/fleet/src/hearback_fleet", ROOT / "shared/web/src/hearback_web"]


def template(node: ast.expr) -> str | None:
    """Return a text or an f-string as a path with `{}` for what is filled in, without its query."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.partition("?")[0]
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        return "".join(str(part) for part in parts).partition("?")[0]
    return None


def called_paths(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield file and path of every call in modules that work with a client of another service."""
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text()
        if "ServiceClient" not in text or "APIRouter(" in text:
            continue
        tree = ast.parse(text)
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            found = template(node) if isinstance(node, ast.expr) and id(node) not in inside else None
            if found and found.startswith(("/internal/", "/api/0/")):
                yield path.relative_to(ROOT).as_posix(), found


def routes_of(name: str) -> set[str]:
    """Return a service's paths, those of its committed document and those that it keeps out of it."""
    (service,) = (one for one in SERVICES if one.name == name)
    document: dict[str, Any] = json.loads((ROOT / f"services/{service.folder}/openapi.json").read_text())
    app = service.load().create_app(service.load().settings.model_construct())
    hidden = {route.path for route in routes(app.routes) if str(route.path).startswith("/internal/")}
    return {re.sub(r"\{[^}]*\}", "{}", path) for path in {*document["paths"], *hidden}}


def routes(found: Any) -> Iterator[Any]:
    for route in found:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from routes(inner)
        elif getattr(route, "path", None):
            yield route


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_calls_routes_that_exist(service: Any) -> None:
    providers = CALLS[service.name]
    source = ROOT / "services" / service.folder.partition("/")[0] / "src" / service.package
    calls = [*called_paths(source)]
    known = {path for provider in providers for path in routes_of(provider)}
    missing = [f"{file}: {path}" for file, path in calls if not any(fits(path, one) for one in known)]
    assert missing == []
    assert calls or not set(providers) - {"registry"}


def test_what_is_shared_calls_routes_of_the_registry() -> None:
    calls = [call for folder in SHARED if folder.exists() for call in called_paths(folder)]
    known = routes_of("registry")
    assert calls
    assert [f"{file}: {path}" for file, path in calls if not any(fits(path, one) for one in known)] == []


def fits(path: str, route: str) -> bool:
    """Whether a path is of a route: what is filled in may be one part, or two where slugs are given together."""
    pattern = re.escape(path).replace(r"\{\}", r"[^/]+(?:/[^/]+)?")
    return re.fullmatch(pattern, route) is not None


def test_a_call_of_a_missing_route_is_found() -> None:
    assert fits("/api/0/projects/{}/submissions/{}/", "/api/0/projects/{}/{}/submissions/{}/")
    assert not fits("/api/0/projects/{}/gone/{}/", "/api/0/projects/{}/{}/submissions/{}/")
    assert not fits("/internal/events/exist", "/internal/events/exists")
