"""The committed snapshot of advisories on the pinned packages."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path, PurePath
from typing import Any

from hearback_local.audit.advisories import Advisory, Garbled, packages, read, record
from hearback_local.audit.dumps import records
from hearback_local.audit.pins import AuditError, Pin

SNAPSHOT = Path("deploy/locks/advisories.json")

# Who gives out ids that begin so, and what may be done with what they write. Others stand for themselves.
DATABASES = {
    "PYSEC": ("PyPA Advisory Database", "CC-BY-4.0"),
    "GHSA": ("GitHub Advisory Database", "CC-BY-4.0"),
    "MAL": ("OpenSSF Malicious Packages", "Apache-2.0"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A source of an ecosystem's advisories, and the date of the newest one."""

    ecosystem: str
    ids: str
    name: str
    licence: str
    until: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Advisories, their sources, the packages they cover, and unreadable files."""

    advisories: tuple[Advisory, ...]
    sources: tuple[Source, ...]
    looked_up: frozenset[tuple[str, str]]
    garbled: tuple[str, ...] = ()


def committed(root: Path) -> Knowledge:
    """Read the committed snapshot. Raises `AuditError` if any of it cannot be read."""
    try:
        content = json.loads((root / SNAPSHOT).read_text())
        sources = tuple(Source(**source) for source in content["sources"])
        for source in sources:
            date.fromisoformat(source.until)
        return Knowledge(
            advisories=tuple(advisory for entry in content["advisories"] for advisory in read(entry)),
            sources=sources,
            looked_up=frozenset((kind, name) for kind, names in content["looked_up"].items() for name in names),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuditError(f"{SNAPSHOT}: {type(error).__name__}: {error}") from None


def dumped(dump: Path, pins: Iterable[Pin]) -> Knowledge:
    """Read the advisories on pinned packages from an OSV dump; list unreadable files."""
    wanted = frozenset((pin.ecosystem, pin.name) for pin in pins)
    kept: list[Advisory] = []
    garbled: list[str] = []
    newest: dict[tuple[str, str], str] = {}
    for name, content in records(dump):
        try:
            if isinstance(content, Garbled):
                raise content
            kept += read(content, wanted)
            for ecosystem, _, _ in packages(content):
                source = (ecosystem, _ids(content["id"]))
                newest[source] = max(newest.get(source, ""), content["modified"][:10])
        except Garbled as error:
            garbled.append(f"{name}: {error}")
    return Knowledge(
        advisories=tuple(kept),
        sources=tuple(
            Source(kind, ids, *DATABASES.get(ids, (ids, "see osv.dev")), until)
            for (kind, ids), until in sorted(newest.items())
        ),
        looked_up=frozenset((kind, name) for kind, name in wanted if kind in {kind for kind, _ in newest}),
        garbled=tuple(garbled),
    )


def merged(old: Knowledge, new: Knowledge, pins: Iterable[Pin]) -> Knowledge:
    """Return the snapshot updated from a dump.

    Ecosystems of databases that are not in the dump stay, as do advisories whose files cannot be read.
    """
    fresh = {(source.ecosystem, source.ids) for source in new.sources}
    unread = {PurePath(line.split(": ")[0]).stem for line in new.garbled}
    wanted = {(pin.ecosystem, pin.name) for pin in pins}
    return Knowledge(
        advisories=(
            *(one for one in old.advisories if (one.ecosystem, _ids(one.id)) not in fresh or one.id in unread),
            *(one for one in new.advisories if one.id not in unread),
        ),
        sources=(*(one for one in old.sources if (one.ecosystem, one.ids) not in fresh), *new.sources),
        looked_up=frozenset(one for one in {*old.looked_up, *new.looked_up} if one in wanted),
    )


def lost(old: Knowledge, made: Knowledge, pins: Iterable[Pin]) -> list[str]:
    """Return the advisories that a refresh would drop, of databases that would lose more than a tenth.

    Databases mark withdrawn advisories and delete hardly any, so that such a dump is likely incomplete.
    """
    wanted = {(pin.ecosystem, pin.name) for pin in pins}
    kept = {(one.ecosystem, one.id) for one in made.advisories}
    had: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in old.advisories:
        if (one.ecosystem, one.package) in wanted:
            had[one.ecosystem, _ids(one.id)].add(one.id)
    found = []
    for (ecosystem, _), ids in sorted(had.items()):
        gone = sorted(ident for ident in ids if (ecosystem, ident) not in kept)
        found += gone if len(gone) > len(ids) // 10 else []
    return found


def written(known: Knowledge) -> str:
    """Serialize a snapshot deterministically: sorted, with one advisory per line."""
    kinds = sorted({kind for kind, _ in known.looked_up})
    looked_up = {kind: sorted(name for of, name in known.looked_up if of == kind) for kind in kinds}
    sources = [
        {name: getattr(one, name) for name in Source.__slots__}
        for one in sorted(known.sources, key=lambda one: (one.ecosystem, one.ids))
    ]
    of_one = groupby(sorted(known.advisories, key=_order), key=lambda one: one.id)
    advisories = [record(list(same)) for _, same in of_one]
    lists: dict[str, list[Any]] = {"sources": sources, "advisories": advisories}
    parts = [f' "looked_up": {_line(looked_up)}']
    for name, some in lists.items():
        lines = ",\n".join(f"  {_line(one)}" for one in some)
        parts.append(f' "{name}": [\n{lines}\n ]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _ids(ident: str) -> str:
    return ident.split("-", maxsplit=1)[0]


def _order(advisory: Advisory) -> tuple[str, str, str, str]:
    return advisory.id, advisory.ecosystem, advisory.package, _line(record([advisory]))


def _line(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
