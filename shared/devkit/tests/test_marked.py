"""Kept code with marks: it measures what fresh code does, until the source changes."""

import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

import pytest
from hearback_devkit.marked import Loader
from slipcover import importer, slipcover

SOURCE = "def sign(number):\n    if number < 0:\n        return -1\n    return 1\n\n\nfound = sign({})\n"


def measured(file: Path, loader: Any = Loader) -> tuple[Any, dict[str, Any]]:
    """Run a module; return what it found, and its coverage."""
    meter = slipcover.Slipcover(branch=True)
    spec = ModuleSpec("signs", loader(meter, SourceFileLoader("signs", str(file)), str(file)), origin=str(file))
    module = module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    [found] = meter.get_coverage()["files"].values()
    return module.found, found


def test_kept_code_measures_the_same_until_its_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "signs.py"
    file.write_text(SOURCE.format(5))
    fresh = measured(file, importer.SlipcoverLoader)
    assert (fresh[0], fresh[1]["missing_lines"], fresh[1]["missing_branches"]) == (1, [3], [(2, 3)])
    assert measured(file) == fresh
    [kept] = (tmp_path / "__pycache__").glob("*.opt-slipcover.pyc")
    written = kept.stat()
    assert measured(file) == fresh
    assert kept.stat().st_ino == written.st_ino
    file.write_text(SOURCE.format(-5))
    assert measured(file)[0] == -1
    kept.write_bytes(b"damaged")
    assert measured(file)[1]["missing_lines"] == [4]


def test_nothing_is_kept_where_no_bytecode_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file = tmp_path / "signs.py"
    file.write_text(SOURCE.format(5))
    assert measured(file)[1]["missing_lines"] == [3]
    assert list(tmp_path.iterdir()) == [file]
