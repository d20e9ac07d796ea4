"""Reads advisories in the OSV schema, as far as needed to determine affected versions."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

ECOSYSTEMS = frozenset({"PyPI", "npm"})
RANGES = frozenset({"ECOSYSTEM", "SEMVER"})  # ranges of Git commits say nothing of versions
# Events of one version: a fix ends what was before it, and a range that begins there begins after that.
KINDS = ("fixed", "introduced", "last_affected")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,79}")
SUMMARY_CHARS = 200
VERSION_CHARS_MAX = 200


class Garbled(ValueError):
    """An advisory violates the schema."""


@dataclass(frozen=True, slots=True)
class Event:
    """The start or end of a range. None as the version is before all versions (`introduced: "0"`)."""

    kind: str
    version: Version | None

    def order(self) -> tuple[bool, Version, int]:
        """Return the sort key of events."""
        return (self.version is not None, self.version or Version("0"), KINDS.index(self.kind))


@dataclass(frozen=True, slots=True)
class Advisory:
    """An advisory on a package."""

    id: str
    aliases: frozenset[str]
    ecosystem: str
    package: str
    ranges: tuple[tuple[Event, ...], ...]
    versions: frozenset[Version]
    summary: str
    severity: tuple[tuple[str, str], ...]
    url: str
    modified: str

    @property
    def names(self) -> frozenset[str]:
        """Its id and aliases."""
        return self.aliases | {self.id}

    def affects(self, version: Version) -> bool:
        """Return whether a version is listed or within a range, as OSV's schema defines."""
        return version in self.versions or any(_within(events, version) for events in self.ranges)

    def fix(self, version: Version) -> Version | None:
        """Return the first known later version that is fixed and not affected otherwise, or None."""
        fixes = {event.version for events in self.ranges for event in events if event.kind == "fixed"}
        return min((fix for fix in fixes if fix and fix > version and not self.affects(fix)), default=None)


def _within(events: tuple[Event, ...], version: Version) -> bool:
    affected = False
    for event in events:
        if event.version is None or version >= event.version:
            if event.kind == "introduced":
                affected = True
            elif event.kind == "fixed" or version != event.version:
                affected = False
    return affected


def read(record: object, wanted: Container[tuple[str, str]] | None = None) -> list[Advisory]:
    """Return the advisories of an OSV record, for all packages or those wanted; none if it was withdrawn.

    Raises `Garbled`. Versions of other packages are not parsed, since other ecosystems have other formats.
    """
    if not isinstance(record, dict):
        raise Garbled("not an object")
    if not ID.fullmatch(ident := _text(record, "id")):
        raise Garbled(f"not an id: {ident[:80]!r}")
    modified = _text(record, "modified")
    try:
        date.fromisoformat(modified[:10])
    except ValueError:
        raise Garbled(f"modified on no day: {modified[:80]!r}") from None
    found = [one for one in packages(record) if wanted is None or one[:2] in wanted]
    if not found or record.get("withdrawn"):
        return []
    common: dict[str, Any] = {
        "id": ident,
        "aliases": frozenset(_texts(record, "aliases")),
        "summary": _summary(record),
        "severity": tuple((_text(entry, "type"), _text(entry, "score")) for entry in _objects(record, "severity")),
        "url": _url(record),
        "modified": modified,
    }
    return [
        Advisory(
            ecosystem=ecosystem,
            package=package,
            ranges=tuple(_ranges(affected)),
            versions=frozenset(_versions(affected)),
            **common,
        )
        for ecosystem, package, affected in found
    ]


def packages(record: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield ecosystem, name and object of each affected package in the ecosystems that are pinned here."""
    for affected in _objects(record, "affected"):
        package = affected.get("package") or {}  # none: a range of commits
        if not isinstance(package, dict):
            raise Garbled("package is not an object")
        ecosystem = package and _text(package, "ecosystem").split(":")[0]
        if ecosystem in ECOSYSTEMS:
            name = _text(package, "name")
            yield ecosystem, canonicalize_name(name) if ecosystem == "PyPI" else name.lower(), affected


def record(advisories: Sequence[Advisory]) -> dict[str, object]:
    """Return the OSV record of advisories with one id; the inverse of `read`."""
    first = advisories[0]
    made = {
        "id": first.id,
        "aliases": sorted(first.aliases),
        "modified": first.modified,
        "summary": first.summary,
        "severity": [{"type": kind, "score": score} for kind, score in first.severity],
        "affected": [_recorded(advisory) for advisory in advisories],
        "references": [{"type": "ADVISORY", "url": first.url}] if first.url else [],
    }
    return {key: value for key, value in made.items() if value}


def _recorded(advisory: Advisory) -> dict[str, object]:
    """Return the object of an affected package, without versions that are within its ranges."""
    within = {one for one in advisory.versions if any(_within(events, one) for events in advisory.ranges)}
    made = {
        "package": {"ecosystem": advisory.ecosystem, "name": advisory.package},
        "ranges": [
            {"type": "ECOSYSTEM", "events": [{event.kind: str(event.version or 0)} for event in events]}
            for events in advisory.ranges
        ],
        "versions": [str(version) for version in sorted(advisory.versions - within)],
    }
    return {key: value for key, value in made.items() if value}


def _summary(record: dict[str, Any]) -> str:
    """Return the summary, or the start of the details, on one line and without control characters."""
    text = record.get("summary") or record.get("details") or ""
    if not isinstance(text, str):
        raise Garbled("summary or details is not a text")
    line = "".join(letter for letter in " ".join(text[: 9 * SUMMARY_CHARS].split()) if letter.isprintable())
    return line if len(line) <= SUMMARY_CHARS else line[: SUMMARY_CHARS - 1] + "…"


def _url(record: dict[str, Any]) -> str:
    """Return the URL of the advisory, or else the first reference."""
    found = [(entry.get("type") != "ADVISORY", _text(entry, "url")) for entry in _objects(record, "references")]
    return min(found, key=lambda one: one[0], default=(True, ""))[1]


def _ranges(affected: dict[str, Any]) -> Iterator[tuple[Event, ...]]:
    for entry in _objects(affected, "ranges"):
        if _text(entry, "type") in RANGES:
            events = [
                Event(kind, None if text == "0" and kind == "introduced" else _version(text))
                for event in _objects(entry, "events")
                for kind, text in event.items()
                if kind in KINDS
            ]
            if not any(event.kind == "introduced" for event in events):
                raise Garbled("a range that begins nowhere")
            yield tuple(sorted(events, key=Event.order))


def _versions(affected: dict[str, Any]) -> Iterator[Version]:
    """Yield the listed versions, without invalid ones, as of old uploads, which cannot be pinned."""
    for text in _texts(affected, "versions"):
        try:
            version = _version(text)
        except Garbled:
            continue
        yield version


def _version(text: object) -> Version:
    if not isinstance(text, str) or len(text) > VERSION_CHARS_MAX:
        raise Garbled(f"not a version: no text of at most {VERSION_CHARS_MAX} characters")
    try:
        return Version(text)
    except ValueError:
        raise Garbled(f"not a version: {text[:80]!r}") from None


def _text(entry: dict[str, Any], key: str) -> str:
    if not isinstance(value := entry.get(key), str) or not value or not value.isprintable():
        raise Garbled(f"{key} is missing or not a text")
    return value


def _texts(entry: dict[str, Any], key: str) -> Iterable[str]:
    values = entry.get(key) or []
    if not isinstance(values, list) or not all(isinstance(value, str) and value.isprintable() for value in values):
        raise Garbled(f"{key} is not a list of texts")
    return values


def _objects(entry: dict[str, Any], key: str) -> Iterable[dict[str, Any]]:
    values = entry.get(key) or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise Garbled(f"{key} is not a list of objects")
    return values
