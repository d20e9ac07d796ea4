"""What is made from declarations is committed as it would be made now."""

from collections.abc import Mapping

import pytest
from hearback_local.generate.documents import ROOT, documents


@pytest.fixture(scope="module")
def generated() -> Mapping[str, bytes]:
    """The documents as they would be made now."""
    return documents()


def test_generated_files_are_not_stale(generated: Mapping[str, bytes]) -> None:
    stale = []
    for name, content in generated.items():
        path = ROOT / name
        if not path.exists() or path.read_bytes() != content:
            stale.append(name)
    assert stale == [], "run `make generate`"


def test_no_generated_file_is_left_over(generated: Mapping[str, bytes]) -> None:
    folders = (ROOT / "shared/contracts/events", ROOT / "deploy/docs")
    written = {"README.md", "design.md", "operations.md", "performance.md"}
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in folder.iterdir()
        if path.is_file() and path.name not in written
    }
    found |= {path.relative_to(ROOT).as_posix() for path in ROOT.glob("services/*/openapi*.json")}
    assert found - set(generated) == set()
