"""`python -m hearback_local.generate` (`make generate`): rewrites the generated files that changed."""

import sys
from collections.abc import Iterator

import orjson

from hearback_local.generate.documents import ROOT, documents, schemas
from hearback_local.generate.schema_changes import breaking_changes


def main() -> int:
    """Write changed files and print their names; write nothing if a message changed incompatibly."""
    broken = list(_breaking_changes())
    if broken:
        print("These changes need a new version of the message:", *broken, sep="\n  ", file=sys.stderr)
        return 1
    for name, content in documents().items():
        path = ROOT / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"wrote {name}")
    return 0


def _breaking_changes() -> Iterator[str]:
    for name, wanted in schemas().items():
        if (ROOT / name).exists():
            committed = orjson.loads((ROOT / name).read_bytes())
            yield from (f"{name}: {change}" for change in breaking_changes(committed, orjson.loads(wanted)))


if __name__ == "__main__":
    sys.exit(main())
