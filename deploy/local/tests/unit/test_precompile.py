"""The bytecode that an install leaves."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path


def lend_bytecode(prefix: Path, *missing: str) -> None:
    """Link to the bytecode that installed packages have, but for those `missing`: compiling it all takes long."""
    installed = Path(sysconfig.get_path("purelib"))
    for kept in installed.glob("*/**/__pycache__/*.pyc"):
        if kept.relative_to(installed).parts[0] not in missing:
            link = prefix / kept.parents[1].relative_to("/") / kept.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(kept)


def test_install_keeps_the_bytecode_of_what_a_fleet_imports(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    lend_bytecode(tmp_path, "fastapi", "asyncpg")
    subprocess.run([sys.executable, "-m", "hearback_local.precompile"], env=environment, check=True, timeout=100)
    for name in ("feedback.app", "feedback.store.migrations.env", "fastapi.routing", "asyncpg.connection"):
        package = importlib.util.find_spec(name.rpartition(".")[0])
        assert package is not None
        assert package.origin is not None
        source = Path(package.origin).with_name(f"{name.rpartition('.')[2]}.py")
        kept = tmp_path / source.relative_to("/").with_suffix(f".{sys.implementation.cache_tag}.pyc")
        assert kept.is_file(), name
