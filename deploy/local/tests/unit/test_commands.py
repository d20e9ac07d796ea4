"""The command line itself: its help, and arguments that cannot be; no fleet runs here."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hearback_command import HEARBACK, hearback
from hearback_local.commands.cli import build_parser, run
from hearback_local.data_dir import DataDir
from hearback_local.fleet.api import Api

ROOT = Path(__file__).parents[4]


def help_of(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command's `--help` prints."""
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([*command, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    unseen: list[tuple[str, ...]] = [()]
    seen = 0
    while unseen:
        command = unseen.pop()
        seen += 1
        text = help_of(command, capsys)
        assert text.startswith(" ".join(["usage: hearback", *command]))
        description = text.split("\n\n")[1]
        assert re.fullmatch(r"[A-Z].*\.", description, re.DOTALL), command
        inner = re.findall(r"^    ([a-z-]+)(?:  |\n)", text, re.MULTILINE)
        unseen += [(*command, name) for name in inner]
        if not inner:
            assert all(option in text for option in ("--data-dir", "--json", "--help")), command
    assert seen > 30


def test_help_is_a_success() -> None:
    command = [str(HEARBACK), "dead-letters", "replay", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "Put dead letters back on their streams." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: command"),
        (("nope",), "invalid choice: 'nope'"),
        (("project",), "the following arguments are required: action"),
        (("token", "create", "demo", "ci"), "the following arguments are required: SCOPE"),
        (("status", "--port", "1"), "unrecognized arguments: --port 1"),
        (("up", "--port", "70000"), "70000 is not a port: give a number from 0 to 65535"),
        (("dead-letters", "list", "--limit", "0"), "0 is not a count: give a number from 1 to 1000000"),
    ],
)
def test_arguments_that_cannot_be_are_reported(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "a" * 32),
        ("project", "create", "demo/web"),
        ("org", "list"),
        ("key", "list", "demo/web"),
        ("dead-letters", "list"),
    ],
)
def test_fleet_that_does_not_run_is_reported(
    arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--data-dir", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"hearback: no fleet runs in {tmp_path}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("project", "create", "nope"), "'nope' is not ORGANIZATION/PROJECT"),
        (("reprocess", "--from", "2026-11-01", "--project", "a/b/c"), "'a/b/c' is not ORGANIZATION/PROJECT"),
        (("reprocess", "--from", "2026-11-02", "--to", "2026-11-01"), "the range is empty"),
        (("erase", "nope", "--yes"), "nope is not an e-mail address"),
        (("erase", "ada@example.com"), "say so with --yes"),
        (("dead-letters", "replay"), "name the dead letters"),
    ],
)
def test_arguments_that_cannot_be_used_are_no_failure_of_the_fleet(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--data-dir", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_a_setting_that_cannot_be_is_named_without_its_value(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(HEARBACK), "up", "--data-dir", str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"HEARBACK_LAUNCHER_LOG_FILES_MAX": "hunter2"},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("hearback: the settings are not valid\n  HEARBACK_LAUNCHER_LOG_FILES_MAX: ")
    assert "hunter2" not in done.stderr


def test_too_low_a_limit_of_open_files_is_reported(tmp_path: Path) -> None:
    limit = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))\n"
    limit += "os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", limit, str(HEARBACK), "up", "--detach", "--data-dir", str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("hearback: 100 files may be open, and a fleet needs 128: raise the limit")


def test_a_fleet_of_another_user_is_left_alone(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    folder.make()
    (tmp_path / "lock").touch()
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user; CI is root")
    os.chown(tmp_path / "lock", 54_321, -1)
    before = sorted(tmp_path.iterdir())
    done = hearback(tmp_path, "up")
    assert done.returncode == 1
    assert done.stderr == f"hearback: {tmp_path}: belongs to the user 54321; run hearback as that user\n"
    assert sorted(tmp_path.iterdir()) == before
    folder.remember_project({"organization": "a", "project": "b", "token": "t"})
    assert {(tmp_path / name).stat().st_uid for name in ("projects.json", "projects.lock")} == {54_321}


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"path": "%s"}' % self.path.encode())

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert Api(f"http://127.0.0.1:{server.server_port}", "demo", "token").get("/api/0/") == {"path": "/api/0/"}
        thread.join()


def test_commands_at_once_keep_the_tokens_of_all(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from hearback_local.data_dir import DataDir\n"
        "folder = DataDir(pathlib.Path(sys.argv[1]))\n"
        "for number in range(20):\n"
        "    folder.remember_project({'organization': sys.argv[2], 'project': str(number), 'token': 't'})"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "abc"]
    assert [one.wait(timeout=60) for one in running] == [0, 0, 0]
    assert len(DataDir(tmp_path).read_projects()) == 60


def test_a_restore_that_fails_leaves_an_empty_folder_and_one_that_was_killed_does_not_start(
    tmp_path: Path,
) -> None:
    backup, folder = tmp_path / "backup", tmp_path / "fleet"
    backup.mkdir()
    (backup / "mail").write_bytes(b"")  # no folder
    manifest = {"format": 1, "rows": {}, "checksums": {"mail": hashlib.sha256(b"").hexdigest()}}
    (backup / "manifest.json").write_text(json.dumps(manifest))
    assert hearback(folder, "restore", str(backup)).returncode == 1
    assert list(folder.iterdir()) == []
    (folder / "restoring").touch()
    done = hearback(folder, "up")
    assert done.returncode == 1
    assert "empty the folder and restore again" in done.stderr


def link_sources(folder: Path) -> None:
    """What make looks at, but none of what it made."""
    for name in ("Makefile", "requirements.lock", "shared", "services", "deploy"):
        (folder / name).symlink_to(ROOT / name)


@pytest.mark.parametrize(
    ("refuses", "message"),
    [
        (
            "version_info",
            "Hearback needs Python 3.11 or newer; name one with: make install PYTHON=/path/to/python3",
        ),
        ("ensurepip", "cannot make virtual environments; on Debian: sudo apt-get install python3-venv"),
    ],
)
def test_python_that_cannot_be_used_is_reported_by_make(refuses: str, message: str, tmp_path: Path) -> None:
    link_sources(tmp_path)
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\ncase "$2" in *{refuses}*) exit 1;; esac\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "-C", str(tmp_path), "install", f"PYTHON={python}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("named", "made_again"), [("same", False), ("other", True), (None, False), ("missing", None)]
)
def test_another_python_named_to_make_makes_the_environment_again(
    named: str | None, made_again: bool | None, tmp_path: Path
) -> None:
    link_sources(tmp_path)
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (tmp_path / ".tools" / "bin").mkdir(parents=True)
    (tmp_path / ".tools" / "bin" / "uv").touch()
    (binaries / "hearback").write_text(f"#!{binaries}/python\n")
    for path, answer in ((tmp_path / "same", "a"), (tmp_path / "other", "b"), (binaries / "python", "a")):
        path.write_text(f'#!/bin/sh\ntest -z "$2" || echo {answer}\n')
        path.chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    arguments = [] if named is None else [f"PYTHON={tmp_path / named}"]
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "PYTHON"}}
    done = subprocess.run(
        ["make", "--dry-run", "-C", str(tmp_path), "install", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode == 0) == (made_again is not None)
    assert ("is no Python that runs" in done.stderr) == (made_again is None)
    assert ("uv venv" in done.stdout) == bool(made_again)


@pytest.mark.parametrize(("system", "taken"), [("exit 0", "system"), ("exit 1", "python3"), (None, "python3")])
def test_make_takes_the_python_of_the_system_where_it_can_be_used(
    system: str | None, taken: str, tmp_path: Path
) -> None:
    link_sources(tmp_path)
    if system is not None:
        (tmp_path / "system").write_text(f"#!/bin/sh\n{system}\n")
        (tmp_path / "system").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "PYTHON"}}
    done = subprocess.run(
        ["make", "--dry-run", "-C", str(tmp_path), "install", f"SYSTEM_PYTHON={tmp_path}/system"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"{tmp_path / taken if taken == 'system' else taken} -m venv --clear .tools" in done.stdout.splitlines()


@pytest.mark.parametrize(("made_in", "python_works"), [("here", True), ("elsewhere", True), ("here", False)])
def test_environment_that_cannot_start_is_made_again(made_in: str, python_works: bool, tmp_path: Path) -> None:
    place = tmp_path / "here"
    programs = place / ".venv" / "bin"
    programs.mkdir(parents=True)
    link_sources(place)
    (programs / "hearback").write_text(f"#!{tmp_path / made_in}/.venv/bin/python\n")
    (programs / "python").symlink_to(sys.executable if python_works else tmp_path / "gone")
    for made in (place / ".tools" / "bin" / "uv", place / ".venv" / ".installed"):
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
    done = subprocess.run(
        ["make", "--dry-run", "-C", str(place), "install"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    is_usable = made_in == "here" and python_works
    assert ("installing the locked requirements" in done.stdout) == (not is_usable)
    assert (programs / "python").is_symlink() == is_usable
