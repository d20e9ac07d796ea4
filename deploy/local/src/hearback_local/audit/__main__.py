"""`python -m hearback_local.audit` (`make audit`): checks all locks for known vulnerabilities, offline."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from hearback_local.audit.findings import Accepted, Finding, accepted, findings
from hearback_local.audit.pins import POLICY, AuditError, Pin, pins
from hearback_local.audit.snapshot import SNAPSHOT, Knowledge, committed, dumped, lost, merged, written

ROOT = Path(__file__).resolve().parents[5]
DAYS_FRESH = 90
NAMES_SHOWN = 8
CLEAN, VULNERABLE, INCOMPLETE = 0, 1, 2


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, today: date | None = None) -> int:
    """Print the findings; return 0 without any, 1 for a vulnerability, 2 if something could not be read."""
    asked = _parser().parse_args(arguments)
    try:
        pinned = pins(root)
        known = dumped(asked.osv, pinned) if asked.osv else committed(root)
        if asked.refresh:
            if not asked.osv:
                raise AuditError("--refresh needs --osv")
            known = _refresh(root, known, pinned, drops=asked.drop)
        return _report(pinned, known, accepted(root), today or datetime.now(UTC).date())
    except AuditError as error:
        print(error, file=sys.stderr)
        return INCOMPLETE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hearback_local.audit", description=__doc__)
    parser.add_argument("--osv", type=Path, metavar="DUMP", help="OSV's all.zip, or a folder of its JSON or YAML")
    parser.add_argument("--refresh", action="store_true", help=f"write {SNAPSHOT} from the dump")
    parser.add_argument("--drop", action="store_true", help="refresh even if over a tenth of a database goes")
    return parser


def _refresh(root: Path, new: Knowledge, pinned: list[Pin], *, drops: bool) -> Knowledge:
    if not new.sources:
        raise AuditError(f"nothing of PyPI or npm in the dump: {SNAPSHOT} stays as it is")
    old = committed(root)
    known = merged(old, new, pinned)
    gone = lost(old, known, pinned)
    if gone and not drops:
        raise AuditError(
            f"{SNAPSHOT} stays as it is: more than a tenth of a database is not in the dump, "
            f"{len(gone)} advisories such as {', '.join(gone[:NAMES_SHOWN])}. "
            "Is it whole? If all of this is to go: DROP=1 (--drop)"
        )
    (root / SNAPSHOT).write_text(written(known))
    print(f"wrote {SNAPSHOT}")
    return Knowledge(known.advisories, known.sources, known.looked_up, new.garbled)


def _report(pinned: list[Pin], known: Knowledge, exceptions: list[Accepted], today: date) -> int:
    files = {file for pin in pinned for file in pin.files}
    about = {advisory.package for advisory in known.advisories}
    count = len({advisory.id for advisory in known.advisories})
    print(f"{len(pinned)} pinned versions in {len(files)} files; {count} advisories on {len(about)} packages")
    for source in known.sources:
        print(f"  {source.ecosystem}: {source.name} ({source.licence}), until {source.until}")
    for line in known.garbled:
        print(f"NOT READ {line}", file=sys.stderr)
    for note in _notes(pinned, known, today):
        print(f"note: {note}")
    found = findings(pinned, known.advisories)
    for unused in (one for one in exceptions if not any(one.covers(finding) for finding in found)):
        print(f"note: {unused.id} ({unused.package}) in {POLICY} is about nothing that is pinned: remove it")
    refused = [finding for finding in found if not _is_accepted(finding, exceptions, today)]
    if refused:
        print(f"{len(refused)} known vulnerabilities", file=sys.stderr)
        return VULNERABLE
    print(f"no known vulnerability that is not accepted ({len(found)} accepted)")
    return INCOMPLETE if known.garbled else CLEAN


def _notes(pinned: list[Pin], known: Knowledge, today: date) -> list[str]:
    """Return notes on outdated or missing data, which never fail the audit: no check fails just by time."""
    notes = [
        f"{source.ecosystem}: {source.name} is {days} days old: refresh it (SECURITY.md, Dependencies)"
        for source in known.sources
        if (days := (today - date.fromisoformat(source.until)).days) > DAYS_FRESH
    ]
    unknown = sorted({pin.name for pin in pinned if (pin.ecosystem, pin.name) not in known.looked_up})
    if unknown:
        more = f" and {len(unknown) - NAMES_SHOWN} more" if len(unknown) > NAMES_SHOWN else ""
        notes.append(f"never looked up: {', '.join(unknown[:NAMES_SHOWN])}{more}")
    return notes


def _is_accepted(finding: Finding, exceptions: list[Accepted], today: date) -> bool:
    """Print a finding; return whether an exception that has not expired covers it."""
    covering = [one for one in exceptions if one.covers(finding)]
    if any(today <= one.until for one in covering):
        print(f"accepted until {max(one.until for one in covering)}: {_named(finding)}: {covering[0].reason}")
        return True
    first = finding.advisories[0]
    lines = [
        f"VULNERABLE {_named(finding)}",
        f"  {first.summary}",
        f"  {' '.join([*(score for _, score in first.severity), first.url])}",
        f"  pinned in {', '.join(finding.pin.files)}",
        *(f"  its exception ended on {one.until}: review it again" for one in covering),
        f"  {_advice(finding)}, or accept it with a reason and an end in {POLICY}",
    ]
    print("\n".join(lines), file=sys.stderr)
    return False


def _named(finding: Finding) -> str:
    others = sorted(finding.names - {finding.advisories[0].id})
    also = f" ({', '.join(others)})" if others else ""
    return f"{finding.pin.name} {finding.pin.version}: {finding.advisories[0].id}{also}"


def _advice(finding: Finding) -> str:
    if not finding.fix:
        return "no fixed version is known: replace the package"
    if finding.pin.ecosystem == "npm":
        return f"fixed in {finding.fix}: vendor that"
    return f"fixed in {finding.fix}: require it in the pyproject.toml that has it, then `make lock install`"


if __name__ == "__main__":
    sys.exit(main())
