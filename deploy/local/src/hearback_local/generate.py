"""Writes what is generated from declarations: `python -m hearback_local.generate`.

Every service's `openapi.json`, the JSON Schemas of the messages, and the reference pages in `deploy/docs`.
The output depends on the code alone, so that a test can tell whether somebody forgot to run it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
from hearback_contracts.events import MESSAGES

from hearback_local import reference
from hearback_local.fleet import SERVICES
from hearback_local.schema_changes import breaking_changes

ROOT = Path(__file__).resolve().parents[4]
JSON_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def documents() -> dict[str, bytes]:
    """Every generated file: its content by its path from the root of the repository."""
    return {**_schemas(), **_openapi(), **_pages()}


def _schemas() -> dict[str, bytes]:
    written = {}
    for message in MESSAGES:
        version = message.model_fields["version"].default
        path = f"shared/contracts/events/{message.TYPE}.v{version}.json"
        written[path] = orjson.dumps(message.model_json_schema(), option=JSON_OPTIONS)
    return written


def _openapi() -> dict[str, bytes]:
    return {f"services/{service.folder}/openapi.json": service.load().openapi() for service in SERVICES}


def _pages() -> dict[str, bytes]:
    pages = {
        "settings": reference.settings_page(),
        "metrics": reference.metrics_page(),
        "reasons": reference.reasons_page(),
        "streams": reference.streams_page(),
        "options": reference.options_page(),
        "routes": reference.routes_page(),
    }
    return {f"deploy/docs/{name}.md": text.encode() for name, text in pages.items()}


def main() -> int:
    """Writes the files that changed and tells which; nothing when a message changed as it may not."""
    wanted = documents()
    broken = list(_broken_messages(wanted))
    if broken:
        print("These changes need a new version of the message:", *broken, sep="\n  ", file=sys.stderr)
        return 1
    for name, content in wanted.items():
        path = ROOT / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"wrote {name}")
    return 0


def _broken_messages(wanted: dict[str, bytes]) -> Iterator[str]:
    for name in _schemas():
        if (ROOT / name).exists():
            committed = orjson.loads((ROOT / name).read_bytes())
            yield from (f"{name}: {change}" for change in breaking_changes(committed, orjson.loads(wanted[name])))


if __name__ == "__main__":
    sys.exit(main())
