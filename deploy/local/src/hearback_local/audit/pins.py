"""Reads pins: of the repository's locks, and of vendored JavaScript."""

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
    """A lock, the policy or the advisories cannot be read. Names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A version of a package, without a local part, and the files that pin it."""

    ecosystem: str
    name: str
    version: Version
    files: tuple[str, ...]


def pins(root: Path) -> list[Pin]:
    """Return the pins of all locks and vendored files of a repository, sorted."""
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
    """Yield the pins of a `requirements.txt` with hashes: normalized names, without extras and markers.

    Raises `AuditError` for anything but exact versions, so that nothing escapes the audit.
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
    """Read the committed policy: vendored files, and accepted findings."""
    try:
        with (root / POLICY).open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AuditError(f"{POLICY}: {error}") from None


def _locks(root: Path) -> Iterator[Path]:
    """Yield `*.lock` files, except uv's own at the root, which is not committed and has the same pins."""
    for folder, inside, names in os.walk(root):
        inside[:] = sorted(name for name in inside if name not in SKIPPED and not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if name.endswith(".lock") and path != root / "uv.lock":
                yield path


def _vendored(root: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each vendored file with its packages. Raises `AuditError` for changed or undeclared files."""
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
