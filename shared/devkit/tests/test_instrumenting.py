"""Kept instrumented code: it measures what fresh code does, until the source changes."""

from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

from hearback_devkit.instrumenting import Loader
from slipcover import slipcover

SOURCE = "def sign(number):\n    if number < 0:\n        return -1\n    return 1\n\n\nfound = sign({})\n"


def measured(file: Path) -> tuple[Any, dict[str, Any]]:
    """Run a module; return what it found, and its coverage."""
    meter = slipcover.Slipcover(branch=True)
    spec = ModuleSpec("signs", Loader(meter, SourceFileLoader("signs", str(file)), str(file)), origin=str(file))
    module = module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    [found] = meter.get_coverage()["files"].values()
    return module.found, found


def test_kept_code_measures_the_same_and_a_changed_source_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "signs.py"
    file.write_text(SOURCE.format(5))
    first = measured(file)
    assert (first[0], first[1]["missing_lines"], first[1]["missing_branches"]) == (1, [3], [(2, 3)])
    [kept] = (tmp_path / "__pycache__").iterdir()
    written = kept.stat()
    assert measured(file) == first
    assert kept.stat().st_ino == written.st_ino
    file.write_text(SOURCE.format(-5))
    assert measured(file)[0] == -1
    kept.write_bytes(b"damaged")
    assert measured(file)[1]["missing_lines"] == [4]
