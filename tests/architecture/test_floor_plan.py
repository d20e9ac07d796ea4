"""Every service has the same rooms and the same file names (ARCHITECTURE, The rooms)."""

import ast
from pathlib import Path

import pytest
from test_rules import ROOT, named

PACKAGES = sorted(path.parent for path in ROOT.glob("services/*/src/*/__main__.py"))
FILES = {"__init__.py", "__main__.py", "app.py", "settings.py", "metrics.py", "errors.py", "py.typed"}
ROOMS = {"api", "consumers", "jobs", "service", "domain", "store", "clients", "pages", "templates", "static"}
# What used to be another name for the same thing in another service.
OTHER_NAMES = {
    "parameters.py": "params.py", "shapes.py": "serializers.py", "schemas.py": "serializers.py",
    "answers.py": "serializers.py", "surroundings.py": "deps.py", "place.py": "deps.py",
    "desk.py": "the resource's name", "utils.py": "what it holds", "helpers.py": "what it holds",
    "common.py": "what it holds", "base.py": "what it is the base of", "queries.py": "the aggregate's name",
}  # fmt: skip
TESTS = {"unit", "store", "service", "api", "consumers", "jobs", "pages", "browser", "data", "conftest.py"}
APP_LINES_MAX = 75  # without imports and blank lines


def ids(path: Path) -> str:
    return path.name


def test_the_plan_is_held_against_every_service() -> None:
    assert {path.name for path in PACKAGES} >= {
        "envelope_gateway",
        "registry",
        "feedback",
        "user_reports",
        "crash_embed",
        "client_reports",
        "notifier",
    }


def _entries(folder: Path) -> set[str]:
    """Return the names in a folder, without folders that hold nothing but compiled files."""
    return {
        path.name
        for path in folder.iterdir()
        if path.is_file() or any(part.is_file() and part.suffix != ".pyc" for part in path.rglob("*"))
    }


@pytest.mark.parametrize("package", PACKAGES, ids=ids)
def test_the_root_of_a_service_holds_the_same_files_and_rooms(package: Path) -> None:
    found = _entries(package)
    assert found - FILES - ROOMS == set()
    assert FILES - found == set()
    assert {"api", "domain"} - found == set()


@pytest.mark.parametrize("package", PACKAGES, ids=ids)
def test_rooms_use_the_common_file_names(package: Path) -> None:
    found = [
        f"{named(path)}: call it {OTHER_NAMES[path.name]}"
        for path in package.rglob("*.py")
        if path.name in OTHER_NAMES and "domain" not in path.parts
    ]
    assert found == []
    if (package / "store").exists():
        assert {"tables.py", "migrations"} <= _entries(package / "store")
    assert "deps.py" in _entries(package / "api")


@pytest.mark.parametrize("package", PACKAGES, ids=ids)
def test_consumers_are_named_after_their_streams(package: Path) -> None:
    from hearback_contracts.streams import STREAMS

    if not (package / "consumers").exists():
        return
    streams = {stream.name.replace(".", "_").replace("-", "_") + ".py" for stream in STREAMS}
    assert _entries(package / "consumers") - {"__init__.py"} - streams == set()


@pytest.mark.parametrize("package", PACKAGES, ids=ids)
def test_use_cases_are_named_by_a_verb_and_know_no_sql_and_no_http(package: Path) -> None:
    found = []
    for path in (package / "service").rglob("*.py") if (package / "service").exists() else ():
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [
                f"{named(path)} imports {module}"
                for module in modules
                if module.split(".")[0] in {"sqlalchemy", "fastapi", "starlette", "httpx"}
            ]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES, ids=ids)
def test_an_app_lists_only_what_is_particular_to_its_service(package: Path) -> None:
    path = package / "app.py"
    tree = ast.parse(path.read_text())
    imported = {
        number
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(path.read_text().splitlines(), 1)
    assert len([line for number, line in lines if line.strip() and number not in imported]) <= APP_LINES_MAX


def _test_folders() -> list[Path]:
    return [path for path in ROOT.glob("services/*/tests") if path.is_dir()] + [
        path for path in ROOT.glob("services/*/tests/registry") if path.is_dir()
    ]


@pytest.mark.parametrize("folder", _test_folders(), ids=lambda path: named(path).replace("/", "-"))
def test_tests_have_the_same_tree_as_the_code(folder: Path) -> None:
    found = {name for name in _entries(folder) if not name.startswith(".")}
    assert found - TESTS - {"__init__.py", "registry"} == set()
