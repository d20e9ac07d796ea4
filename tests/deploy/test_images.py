"""Each service can be installed alone, from its own lock file, as its Dockerfile does it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = ROOT / ".tools" / "bin" / "uv"
FOLDERS = {path.parent.name: path.parent for path in (ROOT / "services").glob("**/pyproject.toml")}
SERVICES = sorted(FOLDERS)
SHARED = ("contracts", "kit", "fleet", "web")


def shared_of(service: str) -> list[str]:
    """Return the shared packages that a service declares."""
    text = (FOLDERS[service] / "pyproject.toml").read_text()
    return [name for name in SHARED if re.search(rf'^    "hearback-{name}[\["]', text, re.MULTILINE)]


def run(*command: object, folder: Path) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEARBACK_")}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, check=False, timeout=110, env=environment
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every package built as the Dockerfiles do it, with the locked build backend."""
    folder = tmp_path_factory.mktemp("wheels")
    build = [UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    for package in (*(ROOT / "shared" / name for name in SHARED), *FOLDERS.values()):
        run(*build, "--out-dir", folder, package, folder=folder)
    return folder


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment for one service after the other: what two need need not be compiled twice."""
    folder = tmp_path_factory.mktemp("environment")
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv", folder=folder)
    return folder / "venv" / "bin" / "python"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_with_nothing_but_what_it_declares(
    service: str, wheels: Path, environment: Path, tmp_path: Path
) -> None:
    python = environment
    here = FOLDERS[service]
    # This removes everything else, so also what was there for another service.
    run(
        UV,
        "pip",
        "sync",
        "--quiet",
        "--python",
        python,
        "--require-hashes",
        here / "requirements.lock",
        folder=tmp_path,
    )
    run(
        UV,
        "pip",
        "install",
        "--quiet",
        "--python",
        python,
        "--no-deps",
        *(next(wheels.glob(f"hearback_{name}-*.whl")) for name in shared_of(service)),
        next(wheels.glob(f"{service.replace('-', '_')}-*.whl")),
        folder=tmp_path,
    )
    installed = run(UV, "pip", "list", "--python", python, "--format", "freeze", folder=tmp_path).decode()
    others = [name for name in SERVICES if name != service and f"\n{name}==" in f"\n{installed}"]
    assert others == []
    document = run(python, "-m", service.replace("-", "_"), "openapi", folder=tmp_path)
    assert document == (here / "openapi.json").read_bytes()


@pytest.mark.parametrize("service", SERVICES)
def test_a_dockerfile_names_its_own_service(service: str) -> None:
    text = (FOLDERS[service] / "Dockerfile").read_text()
    folder = FOLDERS[service].relative_to(ROOT)
    installs = re.findall(r"pip install ([^\n&\\]*)", text)
    assert all("--require-hashes -r " in install or install.strip().endswith(".whl") for install in installs)
    assert "-r requirements.lock" in text
    assert "-r uv-build.lock" in text
    assert f"./{folder} " in text
    assert f'"-m", "{service.replace("-", "_")}"' in text
    assert "USER 10001" in text
    installed = set(re.findall(r"\./(services/\S+)", text))
    assert installed == {str(folder)}
    assert re.findall(r"\./shared/(\S+)", text) == shared_of(service)


@pytest.mark.parametrize("lock", sorted((ROOT / "deploy" / "locks").glob("*.lock")), ids=lambda path: path.name)
def test_a_tool_is_pinned_with_hashes(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert re.match(rf"{lock.stem}==\S+ \\\n    --hash=sha256:", text)


@pytest.mark.parametrize("service", SERVICES)
def test_a_dockerfile_is_without_findings(service: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, str(FOLDERS[service] / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
