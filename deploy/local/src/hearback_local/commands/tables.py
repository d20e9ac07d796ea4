"""Print JSON, or format it as text: lists as tables, objects with one field per line."""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

GAP = "  "
# Control characters, and those that turn the direction of what follows.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def as_text(answer: Any, columns: Sequence[str] = ()) -> str:
    """Return a list as a table of `columns` (`a.b` is field b of object a), or an object line by line."""
    if isinstance(answer, list):
        return _table([[_cell(_look(row, column)) for column in columns] for row in answer], columns)
    if isinstance(answer, dict):
        return "\n".join(_lines(answer, ""))
    return "done" if answer is None else str(answer)


def show(options: argparse.Namespace, answer: Any, text: str) -> int:
    """Print an answer as text, or with `--json` as one line of JSON; return the exit code."""
    print(json.dumps(answer) if options.json else text)
    return 0


def _table(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> str:
    if not rows:
        return "none"
    lines = [[column.upper().replace("_", " ") for column in columns], *rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _look(row: Any, column: str) -> Any:
    for name in column.split("."):
        row = row.get(name) if isinstance(row, dict) else None
    return row


def _lines(fields: Mapping[str, Any], indent: str) -> list[str]:
    width = max((len(key) for key, value in fields.items() if not _is_nested(value)), default=0)
    lines = []
    for key, value in fields.items():
        if _is_nested(value):
            lines += [f"{indent}{key}", *_lines(value, indent + GAP)]
        else:
            lines.append(f"{indent}{key:{width}}{GAP}{_cell(value)}")
    return lines


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) and bool(value)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_cell, value)) or "-"
    return "-" if value is None or value == {} else printable(str(value))


def printable(text: str, keep: str = "") -> str:
    """Return a text that came from outside without control characters of terminals, except those in `keep`."""
    return _CONTROLS.sub(lambda found: found[0] if found[0] in keep else "\ufffd", text)
