"""Reads dumps of advisories: OSV's `all.zip`, or a folder of JSON or YAML files, with size limits."""

import json
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from hearback_local.audit.advisories import Garbled
from hearback_local.audit.pins import AuditError

RECORD_BYTES_MAX = 4 * 1024 * 1024
DUMP_BYTES_MAX = 8 * 1024 * 1024 * 1024  # all of npm is a tenth of that
DEPTH_MAX = 50
SUFFIXES = (".json", ".yaml", ".yml")
ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError)
# Texts stay texts: as anything else, a version 3.10 would become 3.1.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def records(dump: Path) -> Iterator[tuple[str, Any]]:
    """Yield the name and content of each file; the content is a `Garbled` if it cannot be read.

    At most one file, of 4 MiB, is in memory. Raises `AuditError` if the dump is missing, empty, or over 8 GiB.
    """
    read = 0
    for name, content in _files(dump):
        size, record = _parsed(name, content)
        read += size
        if read > DUMP_BYTES_MAX:
            raise AuditError(f"{dump}: more than {DUMP_BYTES_MAX} bytes in it")
        yield "".join(letter if letter.isprintable() else "?" for letter in name), record
    if not read:
        raise AuditError(f"{dump}: no .json, .yaml or .yml file in it")


def _files(dump: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    if dump.is_dir():
        for path in sorted(dump.rglob("*")):
            name = path.relative_to(dump)
            if path.suffix in SUFFIXES and not any(part.startswith(".") for part in name.parts) and path.is_file():
                yield name.as_posix(), lambda path=path: _bounded(path.open("rb"))  # type: ignore[misc]
        return
    try:
        archive = zipfile.ZipFile(dump)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise AuditError(f"{dump}: neither a folder nor a zip file: {error}") from None
    with archive:
        for entry in archive.infolist():
            if entry.filename.endswith(SUFFIXES):
                # The size that an entry declares may be a lie; what is read of it is bounded all the same.
                yield entry.filename, lambda entry=entry: _bounded(archive.open(entry))  # type: ignore[misc]


def _bounded(file: object) -> bytes:
    with file:  # type: ignore[attr-defined]
        content: bytes = file.read(RECORD_BYTES_MAX + 1)  # type: ignore[attr-defined]
    if len(content) > RECORD_BYTES_MAX:
        raise Garbled(f"larger than {RECORD_BYTES_MAX} bytes")
    return content


def _parsed(name: str, content: Callable[[], bytes]) -> tuple[int, object]:
    """Return the size and content of a file, or an error: dumps are untrusted."""
    size = RECORD_BYTES_MAX
    try:
        text = content()
        size = len(text) + 1
        return size, json.loads(text) if name.endswith(".json") else _yaml(text)
    except Garbled as error:
        return size, error
    except (OSError, ValueError, RuntimeError, EOFError, yaml.YAMLError, *ARCHIVE_ERRORS) as error:
        return size, Garbled(" ".join(str(error).split())[:200] or type(error).__name__)


def _yaml(text: bytes) -> object:
    """Parse YAML without deep nesting, which crashes the C parser, and without aliases.

    Aliases can expand beyond the available memory, and no database uses them.
    """
    depth = 0
    for event in yaml.parse(text, LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_MAX or isinstance(event, yaml.AliasEvent):
            raise Garbled("nested too deep, or with aliases")
    return yaml.load(text, LOADER)
