"""Every call of one service's HTTP API by another is of a route that the called one has, public or signed."""

import ast
import importlib
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


def calls_of(path: Path) -> Iterator[tuple[str, str, set[str]]]:
    """Yield place, method and paths of every call of a service's client in a module.

    A path in a variable is any that the module, or the one it is imported from, gives to that name.
    """
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr == "request" and len(node.args) > 1 and isinstance(node.args[0], ast.Constant):
            method, target = str(node.args[0].value), node.args[1]
        elif node.func.attr == "get_json" and node.args:
            method, target = "GET", node.args[0]
        else:
            continue
        found = template(target)
        paths = {found} if found else set(named(tree, target.id)) if isinstance(target, ast.Name) else set()
        yield f"{path.relative_to(ROOT)}:{node.lineno}", method.lower(), paths


def named(tree: ast.Module, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        found = template(node.value) if isinstance(node, ast.Assign) else None
        if found and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            yield found
        if isinstance(node, ast.ImportFrom) and any(one.name == name for one in node.names):
            yield str(getattr(importlib.import_module(str(node.module)), name))


def methods_of(name: str) -> dict[str, set[str]]:
    """Return the methods of a service's paths: of its committed document, and of those it keeps out of it."""
    (service,) = (one for one in SERVICES if one.name == name)
    document: dict[str, Any] = json.loads((ROOT / f"services/{service.folder}/openapi.json").read_text())
    found = {re.sub(r"\{[^}]*\}", "{}", path): set(item) for path, item in document["paths"].items()}
    app = service.load().create_app(service.load().settings.model_construct())
    for route in routes(app.routes):
        if str(route.path).startswith("/internal/"):
            path = re.sub(r"\{[^}]*\}", "{}", route.path)
            found.setdefault(path, set()).update(method.lower() for method in route.methods or ())
    return found


MODULES = sorted(
    path
    for folder in ("services", "shared", "deploy/local")
    for path in (ROOT / folder).rglob("src/**/*.py")
    if "ServiceClient" in path.read_text() and path.name not in {"http.py", "service_runtime.py"}
)
# Whose targets are parameters: the paths that their callers name are held by the tests above.
BY_PARAMETER = {
    "services/feedback/src/feedback/service/ask_fleet.py",
    "deploy/local/src/hearback_local/fleet/bootstrap.py",
    "deploy/local/src/hearback_local/fleet/reprocessing.py",
}


def test_every_call_has_a_method_that_the_called_service_has() -> None:
    known = [methods_of(service.name) for service in SERVICES]
    seen, wrong = 0, []
    for path in MODULES:
        for place, method, paths in calls_of(path):
            if not paths:
                assert place.partition(":")[0] in BY_PARAMETER, place
            for target in paths:
                seen += 1
                if not any(fits(target, one) and method in has[one] for has in known for one in has):
                    wrong.append(f"{place}: {method} {target}")
    assert wrong == []
    assert seen >= 6


def fits(path: str, route: str) -> bool:
    """Whether a path is of a route: what is filled in may be one part, or two where slugs are given together."""
    pattern = re.escape(path).replace(r"\{\}", r"[^/]+(?:/[^/]+)?")
    return re.fullmatch(pattern, route) is not None


def test_a_call_of_a_missing_route_is_found() -> None:
    assert fits("/api/0/projects/{}/submissions/{}/", "/api/0/projects/{}/{}/submissions/{}/")
    assert not fits("/api/0/projects/{}/gone/{}/", "/api/0/projects/{}/{}/submissions/{}/")
    assert not fits("/internal/events/exist", "/internal/events/exists")
