"""The bytecode that an install leaves."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path


def test_install_keeps_the_bytecode_of_what_a_fleet_imports(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-m", "hearback_local.precompile"], env=environment, check=True, timeout=100)
    for name in ("feedback.app", "feedback.store.migrations.env", "fastapi.routing", "asyncpg.connection"):
        package = importlib.util.find_spec(name.rpartition(".")[0])
        assert package is not None
        assert package.origin is not None
        source = Path(package.origin).with_name(f"{name.rpartition('.')[2]}.py")
        kept = tmp_path / source.relative_to("/").with_suffix(f".{sys.implementation.cache_tag}.pyc")
        assert kept.is_file(), name
