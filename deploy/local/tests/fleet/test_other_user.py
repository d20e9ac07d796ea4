"""What root runs in another user's folder leaves nothing there that the user's fleet cannot write."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hearback_command import hearback, up
from hearback_devkit.engines import engine_scratch_directory
from hearback_local.commands.cli import build_parser

pytestmark = pytest.mark.timeout(480)
USER = 54_321
OF_THE_FLEET = {"logs", "mail", "blobs", "postgres", "valkey", "outage-spool", "state.json"}
# Arguments of every command but those that start and stop a fleet, in an order in which they find what they need.
COMMANDS = {
    "status": (),
    "check": (),
    "explain": ("a" * 32,),
    "dead-letters list": (),
    "dead-letters show": ("feedback.submitted:{0}:dead/1-1",),
    "dead-letters replay": ("feedback.submitted:{0}:dead/1-1",),
    "erase": ("ada@example.com", "--yes"),
    "reprocess": ("--from", "2026-01-01"),
    "mail list": (),
    "mail show": ("x",),
    "deliveries list": ("demo/web",),
    "deliveries show": ("demo/web", "1"),
    "deliveries resend": ("demo/web", "1"),
    "deliveries rules": ("demo/web",),
    "deliveries test": ("demo/web", "1"),
    "project create": ("other/app",),
    "project list": ("demo",),
    "project show": ("demo/web",),
    "project set": ("demo/web", "name=Web"),
    "org list": (),
    "org show": ("demo",),
    "org set": ("demo", "name=Demo"),
    "org audit": ("demo",),
    "key list": ("demo/web",),
    "key create": ("demo/web",),
    "key enable": ("demo/web", "1"),
    "key disable": ("demo/web", "1"),
    "key rotate": ("demo/web", "1"),
    "key delete": ("demo/web", "1"),
    "member list": ("demo",),
    "member invite": ("demo", "ada@example.com", "member"),
    "member add": ("demo", "bob@example.com", "member"),
    "member delete": ("demo", "9"),
    "token list": ("demo",),
    "token create": ("demo", "ci", "project:read"),
    "token delete": ("demo", "9"),
}
OTHERS = {"up", "down", "backup", "restore"}


def leaves(capsys: pytest.CaptureFixture[str], *path: str) -> Iterator[str]:
    """Return the commands that have no further ones; which there are is what an unknown one is refused with."""
    with suppress(SystemExit):
        build_parser().parse_args([*path, "?"])
    found = re.search(r"invalid choice: .*\(choose from (.+)\)", capsys.readouterr().err)
    if found is None:
        yield " ".join(path)
        return
    for name in found[1].split(", "):
        yield from leaves(capsys, *path, name.strip("'"))


def files_of(folder: Path) -> dict[Path, int]:
    """Return what is in a folder besides what the fleet writes, with what tells a new file of a name."""
    found = (path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in OF_THE_FLEET)
    return {path: path.stat().st_ino for path in found}


@pytest.fixture
def folder() -> Iterator[Path]:
    with engine_scratch_directory() as scratch:
        yield scratch / "fleet"


def test_no_command_leaves_a_file_to_root(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user; CI is root")
    assert {*COMMANDS, *OTHERS} == set(leaves(capsys))
    up(folder)
    left = {}
    try:
        os.chown(folder / "lock", USER, -1)
        for name, arguments in COMMANDS.items():
            before = files_of(folder)
            hearback(folder, *name.split(), *arguments)
            written = [path for path, number in files_of(folder).items() if before.get(path) != number]
            left |= {f"{name}: {path.name}": path.stat().st_uid for path in written}
        assert hearback(folder, "backup", str(folder.parent / "backup")).returncode == 0
    finally:
        hearback(folder, "down")
    assert set(left.values()) == {USER}, left
    assert {"erase", "project create"} <= {name.partition(":")[0] for name in left}
    stopped = hearback(folder, "backup", str(folder.parent / "second"))
    assert stopped.returncode == 1
    assert stopped.stderr == f"hearback: {folder} belongs to the user {USER}; run hearback as that user\n"
