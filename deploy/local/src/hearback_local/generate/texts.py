"""Generates the catalogue of translatable texts."""

from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po
from hearback_contracts.reasons import ADVICE, EXPLANATIONS, SDK_REASONS

CATALOGUE: Final = "shared/web/locales/hearback.pot"
HEAD: Final = b"""\
# Texts of Hearback's pages; made by `make generate`.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

"""
REASONS: Final = "shared/contracts/src/hearback_contracts/reasons.py"
_JINJA: Final = "jinja2.ext:babel_extract"


def catalogue(root: Path) -> bytes:
    """Return the catalogue, sorted by text, with the files that use them."""
    used: dict[Any, set[str]] = defaultdict(set)
    for path in _sources(root):
        name = path.relative_to(root).as_posix()
        method = _JINJA if path.suffix == ".html" else "python"
        options = {"trimmed": "true", "silent": "false"} if path.suffix == ".html" else {}
        for _line, message, _comments, _context in extract_from_file(method, path, options=options):
            used[message].add(name)
    for text in _reasons():
        used[text].add(REASONS)
    catalog = Catalog()
    for message in sorted(used, key=str):
        catalog.add(message, locations=[(name, 0) for name in sorted(used[message])])
    written = BytesIO()
    write_po(written, catalog, omit_header=True, include_lineno=False, width=0)
    return HEAD + written.getvalue().strip() + b"\n"


def _reasons() -> Iterator[str]:
    """Yield the texts of reasons, which pages show too."""
    yield from (*EXPLANATIONS.values(), *ADVICE.values())
    for known in SDK_REASONS.values():
        yield from known


def _sources(root: Path) -> Iterator[Path]:
    """Yield the templates and code of pages; mails and the dialog have texts of their own."""
    packages = [root / "shared/web/src/hearback_web", *sorted(root.glob("services/*/src/*"))]
    for package in packages:
        if package.name == "crash_embed":
            continue
        yield from sorted(path for path in package.rglob("*.py") if "hearback_web" in path.read_text())
        yield from sorted(path for path in (package / "templates").rglob("*.html") if "mail" not in path.parts)
