"""Everything that is pinned: each lock of the repository, and the JavaScript that is kept in it."""

import hashlib
import os
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from hearback_local.errors import FleetError

POLICY = Path("deploy/locks/audit.toml")
SKIPPED = frozenset({"node_modules", "__pycache__", "dist", "build"})


class AuditError(FleetError):
    """The audit cannot be made: a lock, the policy or the advisories cannot be read. Says which file, and why."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One version of one package, and the files that pin it. The version is public: without a local part."""

    ecosystem: str
    name: str
    version: Version
    files: tuple[str, ...]


def pins(root: Path) -> list[Pin]:
    """Return what all locks and vendored files of a repository pin, sorted."""
    found: dict[tuple[str, str, Version], set[str]] = defaultdict(set)
    locks = list(_locks(root))
    if not locks:
        raise AuditError(f"{root}: no lock found")
    for lock in locks:
        name = lock.relative_to(root).as_posix()
        for package, version in locked(lock.read_text(), name):
            found["PyPI", package, version].add(name)
    for file, packages in _vendored(root):
        for package, text in packages.items():
            found["npm", package, _version(text, str(POLICY))].add(file)
    return [Pin(*key, tuple(sorted(files))) for key, files in sorted(found.items())]


def locked(text: str, file: str) -> Iterator[tuple[str, Version]]:
    """Read the pins of a `requirements.txt` with hashes: names normalized, extras and markers left out.

    Raises `AuditError` for whatever is not one exact version, so that nothing escapes the audit.
    """
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.split(" #")[0].strip().removesuffix("\\").strip()
        if not entry or entry.startswith(("#", "--hash=")):
            continue
        try:
            requirement = Requirement(entry.split(" --hash=")[0])
            (exact,) = requirement.specifier
        except (InvalidRequirement, ValueError):
            raise AuditError(f"{file}:{number}: not one pinned package: {entry[:80]}") from None
        if exact.operator != "==" or exact.version.endswith(".*"):
            raise AuditError(f"{file}:{number}: not one exact version: {entry[:80]}")
        yield canonicalize_name(requirement.name), _version(exact.version, f"{file}:{number}")


def policy(root: Path) -> dict[str, list[dict[str, object]]]:
    """Read the committed policy: what is vendored, and which findings are accepted until when."""
    try:
        with (root / POLICY).open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AuditError(f"{POLICY}: {error}") from None


def _locks(root: Path) -> Iterator[Path]:
    """Find `*.lock` files, but not uv's own at the root, which is not committed and holds the same."""
    for folder, inside, names in os.walk(root):
        inside[:] = sorted(name for name in inside if name not in SKIPPED and not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if name.endswith(".lock") and path != root / "uv.lock":
                yield path


def _vendored(root: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each file of another project with its packages; one that changed or is not declared is an error."""
    declared: dict[str, dict[str, str]] = {}
    for entry in policy(root).get("vendored", []):
        match entry:
            case {"file": str(file), "sha256": str(digest), "packages": dict(packages)} if len(entry) == 3:
                declared[file] = {str(name): str(version) for name, version in packages.items()}
            case _:
                raise AuditError(f"{POLICY}: [[vendored]] needs file, sha256 and packages: {entry}")
        path = root / file
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise AuditError(f"{file} is not what {POLICY} declares: look what it is, and declare that")
    for folder in ("services", "shared"):
        for path in (root / folder).glob("**/static/*.min.js"):
            if (name := path.relative_to(root).as_posix()) not in declared:
                raise AuditError(f"{name} is not declared in {POLICY}")
    yield from declared.items()


def _version(text: str, where: str) -> Version:
    try:
        return Version(Version(text).public)
    except ValueError:  # InvalidVersion, or a number of more digits than Python reads
        raise AuditError(f"{where}: not a version: {text[:80]}") from None
