"""Matches pins with advisories, and findings with exceptions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from packaging.version import Version

from hearback_local.audit.advisories import Advisory
from hearback_local.audit.pins import POLICY, AuditError, Pin, policy

DAYS_ACCEPTED_MAX = 180


@dataclass(frozen=True, slots=True)
class Accepted:
    """An exception: a reviewed finding, accepted until a date, with a reason."""

    id: str
    package: str
    reason: str
    reviewed: date
    until: date

    def covers(self, finding: "Finding") -> bool:
        """Return whether this covers a finding, by any of its ids."""
        return self.package == finding.pin.name and self.id in finding.names


@dataclass(frozen=True, slots=True)
class Finding:
    """A pinned version with a known vulnerability, and the advisories on it."""

    pin: Pin
    advisories: tuple[Advisory, ...]

    @property
    def names(self) -> frozenset[str]:
        """All ids and aliases."""
        return frozenset(name for advisory in self.advisories for name in advisory.names)

    @property
    def fix(self) -> Version | None:
        """The first later version that no advisory affects, if known."""
        fixes = [fix for advisory in self.advisories if (fix := advisory.fix(self.pin.version))]
        return max(fixes) if len(fixes) == len(self.advisories) else None


def findings(pins: Iterable[Pin], advisories: Iterable[Advisory]) -> list[Finding]:
    """Return a finding for each vulnerability of each pinned version, sorted."""
    by_package: dict[tuple[str, str], list[Advisory]] = {}
    for advisory in sorted(advisories, key=lambda one: one.id):
        by_package.setdefault((advisory.ecosystem, advisory.package), []).append(advisory)
    found = []
    for pin in pins:
        affecting = [one for one in by_package.get((pin.ecosystem, pin.name), ()) if one.affects(pin.version)]
        found += [Finding(pin, same) for same in _together(affecting)]
    return found


def _together(advisories: list[Advisory]) -> list[tuple[Advisory, ...]]:
    """Group advisories that share an id, since databases have separate records of a vulnerability."""
    groups: list[tuple[Advisory, ...]] = []
    for advisory in advisories:
        names = advisory.names
        same = [group for group in groups if any(one.names & names for one in group)]
        groups = [group for group in groups if group not in same]
        groups.append((*(one for group in same for one in group), advisory))
    return groups


def accepted(root: Path) -> list[Accepted]:
    """Read the exceptions. Raises `AuditError` if a reason or an end date is missing or too late."""
    found = []
    for entry in policy(root).get("accepted", []):
        match entry:
            case {"id": str(), "package": str(), "reason": str(reason), "reviewed": date(), "until": date()} if (
                len(entry) == len(Accepted.__slots__)
                and reason.strip()
                and not any(isinstance(value, datetime) for value in entry.values())
            ):
                one = Accepted(**entry)  # type: ignore[arg-type]
            case _:
                names = ", ".join(Accepted.__slots__)
                raise AuditError(f"{POLICY}: an [[accepted]] entry needs {names} (days without quotes): {entry}")
        if not one.reviewed < one.until <= one.reviewed + timedelta(days=DAYS_ACCEPTED_MAX):
            raise AuditError(f"{POLICY}: {one.id}: until must be 1 to {DAYS_ACCEPTED_MAX} days after reviewed")
        found.append(one)
    return found
