"""`hearback` as a person or a script uses it, on a whole fleet."""

import json
import os
import shlex
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hearback_command import HEARBACK, answer_of, hearback, up
from hearback_devkit.engines import engine_scratch_directory
from hearback_devkit.engines.process import is_alive
from hearback_devkit.testing import eventually_sync
from hearback_local.commands.screen import JSON_KEYS, first_feedback

SERVICES = {
    "registry", "envelope-gateway", "feedback", "user-reports", "crash-embed", "client-reports", "notifier",
    "edge",
}  # fmt: skip


def service(data_dir: Path, name: str) -> dict[str, Any]:
    found = next(entry for entry in answer_of(data_dir, "status")["services"] if entry["name"] == name)
    assert isinstance(found, dict)
    return found


def send_feedback(facts: dict[str, Any]) -> str:
    sent = subprocess.run(["sh", "-c", first_feedback(facts)], capture_output=True, text=True, check=True)
    event_id = json.loads(sent.stdout)["id"]
    assert isinstance(event_id, str)
    return event_id


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with engine_scratch_directory() as folder:
        place = folder / 'a "fleet" ü $HOME'
        yield place
        hearback(place, "down")


@pytest.fixture(scope="module")
def facts(data_dir: Path) -> dict[str, Any]:
    return up(data_dir)


@pytest.mark.timeout(480)
def test_one_fleet_from_its_first_start_to_its_end(data_dir: Path, facts: dict[str, Any]) -> None:
    assert list(facts) == list(JSON_KEYS)
    assert (facts["organization"], facts["project"], facts["project_id"]) == ("demo", "web", 1)
    assert facts["dsn"].endswith(f"{facts['public_key']}@{facts['url'].removeprefix('http://')}/1")
    assert all(facts[key] for key in JSON_KEYS)

    _the_state_is_reported(data_dir, facts)
    event_id = send_feedback(facts)
    eventually_sync(lambda: hearback(data_dir, "explain", event_id).returncode == 0)
    eventually_sync(lambda: answer_of(data_dir, "explain", event_id)["state"] == "stored")

    _secrets_are_private(data_dir)
    _a_second_up_tells_the_same(data_dir, facts)
    _projects_can_be_created(data_dir, facts)
    _the_registry_answers(data_dir)
    _what_is_missing_is_named(data_dir)
    _members_and_tokens_come_and_go(data_dir)
    _a_new_key_and_a_new_token_are_reported(data_dir, facts)
    _a_killed_service_comes_back(data_dir)
    _a_killed_launcher_leaves_nothing_in_the_way(data_dir, event_id)

    assert hearback(data_dir, "down").returncode == 0
    assert answer_of(data_dir, "down") == {"stopped": False}
    assert hearback(data_dir, "status").returncode == 1


def _the_state_is_reported(data_dir: Path, facts: dict[str, Any]) -> None:
    status = answer_of(data_dir, "status")
    assert status["url"] == facts["url"]
    assert {entry["name"] for entry in status["services"]} == SERVICES
    for entry in status["services"]:
        assert set(entry) == {"name", "pid", "url", "ready", "lag", "dead_letters"}
        assert entry["ready"]
        assert is_alive(entry["pid"])
        with urllib.request.urlopen(entry["url"] + "/healthz", timeout=10) as answer:
            assert answer.status == 200
    assert all(finding["ok"] for finding in answer_of(data_dir, "check"))
    assert answer_of(data_dir, "dead-letters", "list") == []
    _a_store_that_hangs_is_reported(
        data_dir, next(one["pid"] for one in status["stores"] if one["name"] == "valkey")
    )


def _a_store_that_hangs_is_reported(data_dir: Path, pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    try:
        assert {entry["lag"] for entry in answer_of(data_dir, "status")["services"]} == {None}
        check = hearback(data_dir, "check")
        assert check.returncode == 1
        assert "FAIL  the stream server does not answer" in check.stdout
        assert "FAIL  envelope-gateway reports: valkey: " in check.stdout
        assert (
            hearback(data_dir, "dead-letters", "list").stderr == "hearback: the stream server cannot be reached\n"
        )
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually_sync(lambda: hearback(data_dir, "check").returncode == 0)


def _secrets_are_private(data_dir: Path) -> None:
    for name in ("secret-key", "fleet.json", "state.json", "postgres/password", "valkey/password"):
        assert (data_dir / name).stat().st_mode & 0o077 == 0, name


def _a_second_up_tells_the_same(data_dir: Path, facts: dict[str, Any]) -> None:
    assert answer_of(data_dir, "up", "--port", "0") == facts
    plain = hearback(data_dir, "up", "--port", "0")
    assert plain.returncode == 1
    assert "a fleet already runs" in plain.stderr
    assert shlex.quote(str(data_dir)) in plain.stderr


def _projects_can_be_created(data_dir: Path, facts: dict[str, Any]) -> None:
    ours = answer_of(data_dir, "project", "create", "demo/shop")
    other = answer_of(data_dir, "project", "create", "others/app")
    assert list(ours) == list(other) == list(JSON_KEYS)
    assert len({facts["project_id"], ours["project_id"], other["project_id"]}) == 3
    assert ours["admin_password"] == facts["admin_password"]
    assert other["admin_email"] != facts["admin_email"]
    event_id = send_feedback(other)
    eventually_sync(lambda: hearback(data_dir, "explain", event_id).returncode == 0)
    assert hearback(data_dir, "project", "create", "no-slash").returncode == 2


def _the_registry_answers(data_dir: Path) -> None:
    flag = "organizations:user-feedback-ui"
    assert answer_of(data_dir, "org", "set", "demo", f"{flag}=false")["features"][flag] is False
    assert answer_of(data_dir, "org", "show", "demo")["features"][flag] is False
    changed = answer_of(data_dir, "project", "set", "demo/web", 'sentry:origins=["example.com"]')
    assert changed["options"]["sentry:origins"] == ["example.com"]
    created = answer_of(data_dir, "key", "create", "demo/shop")
    assert answer_of(data_dir, "key", "disable", "demo/shop", str(created["id"]))["isActive"] is False
    assert len(answer_of(data_dir, "key", "list", "demo/shop")) == 2
    token = answer_of(data_dir, "token", "create", "demo", "ci", "project:read")
    assert token["token"]
    assert {row["slug"] for row in answer_of(data_dir, "org", "list")} == {"demo", "others"}
    table = hearback(data_dir, "project", "list", "others").stdout.splitlines()
    assert table[0].split()[:3] == ["ID", "SLUG", "NAME"]
    assert table[1].split()[1:3] == ["app", "app"]


def complaint(data_dir: Path, *arguments: str, code: int = 1) -> str:
    """What a command says that cannot be done: one line for a person."""
    done = hearback(data_dir, *arguments)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith("hearback: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def _what_is_missing_is_named(data_dir: Path) -> None:
    assert "only of: demo, others" in complaint(data_dir, "org", "show", "missing")
    assert "'demo' is not ORGANIZATION/PROJECT" in complaint(data_dir, "project", "show", "demo", code=2)
    explained = complaint(data_dir, "explain", "a" * 32, "--project", "demo", code=2)
    assert "'demo' is not ORGANIZATION/PROJECT" in explained
    assert "there is no project demo/none" in complaint(data_dir, "project", "show", "demo/none")
    assert "there is no project demo/none" in complaint(data_dir, "key", "create", "demo/none")
    assert "there is no project demo/none" in complaint(data_dir, "explain", "a" * 32, "--project", "demo/none")
    assert "no submission" in complaint(data_dir, "explain", "a" * 32)
    assert "the id 77 in the project demo/web" in complaint(data_dir, "key", "disable", "demo/web", "77")
    assert "the id 77 in the organization demo" in complaint(data_dir, "token", "delete", "demo", "77")
    assert "not a slug: no slug" in complaint(data_dir, "project", "create", "no slug/web")
    assert "unknown option: nope" in complaint(data_dir, "project", "set", "demo/web", "nope=1")
    assert "'nope' is not NAME=VALUE" in complaint(data_dir, "org", "set", "demo", "nope", code=2)
    assert "unknown feature: nope" in complaint(data_dir, "org", "set", "demo", "nope=true")
    assert "unknown scope: nope" in complaint(data_dir, "token", "create", "demo", "ci", "nope")
    assert "no dead letter nope" in complaint(data_dir, "dead-letters", "show", "nope")
    assert "unknown stream nope" in complaint(data_dir, "dead-letters", "list", "nope")
    assert "name the dead letters" in complaint(data_dir, "dead-letters", "replay", code=2)


def _members_and_tokens_come_and_go(data_dir: Path) -> None:
    created = answer_of(data_dir, "member", "add", "demo", "bob@example.com", "admin")
    assert created["password"]
    assert "a member already" in complaint(data_dir, "member", "add", "demo", "bob@example.com")
    assert "a member already" in complaint(data_dir, "member", "invite", "demo", "bob@example.com")
    invited = answer_of(data_dir, "member", "invite", "demo", "ann@example.com")
    assert "/accept/demo/" in invited["invite_link"]
    eventually_sync(lambda: invited["invite_link"] in _mails(data_dir))
    assert hearback(data_dir, "member", "delete", "demo", invited["id"]).stdout == "done\n"
    assert answer_of(data_dir, "org", "audit", "demo")[0]["event"] == "member.remove"
    roles = {row["email"]: row["role"] for row in answer_of(data_dir, "member", "list", "demo")}
    assert roles["bob@example.com"] == "admin"
    assert hearback(data_dir, "member", "delete", "demo", created["id"]).stdout == "done\n"
    assert len(answer_of(data_dir, "member", "list", "demo")) == len(roles) - 1
    token = next(row for row in answer_of(data_dir, "token", "list", "demo") if row["name"] == "ci")
    assert hearback(data_dir, "token", "delete", "demo", token["id"]).returncode == 0


def _mails(data_dir: Path) -> str:
    names = [mail["name"] for mail in answer_of(data_dir, "mail", "list")]
    return "".join(answer_of(data_dir, "mail", "show", name)["text"] for name in names)


def _a_new_key_and_a_new_token_are_reported(data_dir: Path, facts: dict[str, Any]) -> None:
    """What the first start printed is kept true: it is what a person pastes."""
    key = next(row for row in answer_of(data_dir, "key", "list", "demo/web"))
    assert key["public"] == facts["public_key"]
    rotated = answer_of(data_dir, "key", "rotate", "demo/web", key["id"])
    assert rotated["public"] != key["public"]
    again = answer_of(data_dir, "up", "--port", "0")
    assert again["dsn"] == rotated["dsn"]["public"]
    for token in answer_of(data_dir, "token", "list", "demo"):
        hearback(data_dir, "token", "delete", "demo", token["id"])
    assert "no longer valid" in complaint(data_dir, "project", "list", "demo")
    assert "no longer valid" in complaint(data_dir, "explain", "a" * 32)
    assert [row["slug"] for row in answer_of(data_dir, "org", "list")] == ["others"]
    assert answer_of(data_dir, "up", "--port", "0")["token"] != again["token"]
    assert len(answer_of(data_dir, "project", "list", "demo")) == 2


def _a_killed_service_comes_back(data_dir: Path) -> None:
    before = service(data_dir, "feedback")["pid"]
    os.kill(before, signal.SIGKILL)
    eventually_sync(lambda: service(data_dir, "feedback")["pid"] not in {None, before})
    eventually_sync(lambda: service(data_dir, "feedback")["ready"])


def _a_killed_launcher_leaves_nothing_in_the_way(data_dir: Path, event_id: str) -> None:
    facts = answer_of(data_dir, "up", "--port", "0")
    status = answer_of(data_dir, "status")
    running = [entry["pid"] for entry in [*status["services"], *status["stores"]]]
    os.kill(json.loads((data_dir / "state.json").read_text())["pid"], signal.SIGKILL)
    again = up(data_dir)
    assert not any(is_alive(pid) for pid in running)
    same = set(JSON_KEYS) - {"url", "dsn"}
    assert {key: again[key] for key in same} == {key: facts[key] for key in same}
    assert answer_of(data_dir, "explain", event_id)["state"] == "stored"


def test_fleet_that_is_stopped_while_it_starts_says_so(tmp_path: Path) -> None:
    command = [str(HEARBACK), "up", "--detach", "--port", "0", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as starting:
        eventually_sync(lambda: hearback(tmp_path, "down").stderr == "stopped\n")
        _, stderr = starting.communicate(timeout=60)
    assert starting.returncode == 1
    assert stderr.splitlines()[-1] == "hearback: the fleet was stopped before it was ready"


def test_busy_port_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = hearback(tmp_path, "up", "--port", port, "--detach")
    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in done.stderr


def test_folder_that_is_no_fleet_is_reported(tmp_path: Path) -> None:
    for command in (["status"], ["check"], ["explain", "0" * 32], ["project", "create", "a/b"]):
        done = hearback(tmp_path, *command)
        assert done.returncode == 1
        assert "no fleet runs in" in done.stderr + done.stdout


def test_files_and_ports_that_cannot_be_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    done = hearback(file, "up", "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"hearback: {file}: is a file, not a folder for a fleet\n"
    for port in ("-1", "65536", "http"):
        done = hearback(tmp_path, "up", f"--port={port}")
        assert done.returncode == 2
        assert f"{port} is not a port" in done.stderr


def mounted(kind: str, folder: Path) -> bool:
    """Whether a small or read-only file system could be put there."""
    options = {"full": "size=64m", "read-only": "ro"}[kind]
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(("kind", "message"), [("full", "the disk is nearly full"), ("read-only", "Read-only")])
def test_disk_that_cannot_be_written_is_reported(kind: str, message: str) -> None:
    with engine_scratch_directory() as folder:
        if not mounted(kind, folder):
            pytest.skip("mounting a file system needs root with that right")
        try:
            done = hearback(folder / "fleet", "up", "--port", "0", "--detach")
        finally:
            subprocess.run(["umount", str(folder)], check=True)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def ordinary_user() -> int | None:
    """Somebody who is not root and can read this installation; None when there is no such account."""
    if os.geteuid() != 0:
        return os.geteuid()
    other = 65534
    try:
        subprocess.run([str(HEARBACK), "--help"], user=other, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return other


@pytest.mark.timeout(480)
@pytest.mark.parametrize("who", ["root", "ordinary"])
def test_two_starts_at_once_and_an_interrupt(who: str) -> None:
    user = 0 if who == "root" else ordinary_user()
    if user is None or (user == 0 and os.geteuid() != 0):
        pytest.skip("no such user can run this installation here")
    with engine_scratch_directory() as folder:
        os.chown(folder, user, -1)
        command = [str(HEARBACK), "up", "--port", "0", "--json", "--data-dir", "fleet"]
        # Certificates of clients are looked for at home, which is not that of root.
        run_as: dict[str, Any] = {"cwd": folder, "user": user, "env": {**os.environ, "HOME": str(folder)}}
        with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, start_new_session=True, **run_as) as first:
            eventually_sync((folder / "fleet" / "lock").exists)
            second = subprocess.run([*command, "--detach"], check=False, capture_output=True, text=True, **run_as)
            assert second.returncode == 0, second.stderr
            state = json.loads((folder / "fleet" / "state.json").read_text())
            running = [entry["pid"] for entry in [*state["services"], *state["stores"]]]
            assert all(is_alive(pid) for pid in running)
            os.killpg(first.pid, signal.SIGINT)
            output, progress = first.communicate(timeout=60)
        assert first.returncode == 0, progress
        assert output == second.stdout
        assert output.count("\n") == 1
        assert "\x1b" not in progress + second.stderr
        assert not any(is_alive(pid) for pid in running)


@pytest.mark.parametrize("name", ["HEARBACK_DATABASE_URL", "HEARBACK_REDIS_URL"])
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1/", "at 127.0.0.1:1: Connection refused"),
        ("127.0.0.1:port/", "is not a URL"),
    ],
)
def test_store_of_the_environment_that_is_not_there_is_reported(
    name: str, address: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"store://user:password@{address}")
    done = hearback(tmp_path / "fleet", "up", "--port", "0", "--detach")
    assert done.returncode == 1
    assert name in done.stderr
    assert message in done.stderr
    assert "password" not in done.stderr


@pytest.mark.parametrize(
    "url", ["redis+cluster://127.0.0.1:1,[::1]:1", "redis+sentinel://127.0.0.1:1,[::1]:1/name"]
)
def test_every_node_of_a_url_is_tried(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARBACK_REDIS_URL", url)
    done = hearback(tmp_path / "fleet", "up", "--port", "0", "--detach")
    assert done.returncode == 1
    assert "cannot reach the store of HEARBACK_REDIS_URL at ::1:1: " in done.stderr


@pytest.mark.timeout(480)
def test_stores_of_the_environment_are_used(postgres_url: str, session_valkey_url: str, tmp_path: Path) -> None:
    environment = {
        "HEARBACK_DATABASE_URL": postgres_url,
        "HEARBACK_REDIS_URL": session_valkey_url.rsplit("/", 1)[0] + "/9",
        "HEARBACK_SECRET_KEY": "a key of our own, long enough to be one",
        "HEARBACK_BLOB_URL": (tmp_path / "elsewhere").as_uri(),
    }
    command = [str(HEARBACK), "up", "--port", "0", "--json", "--detach", "--data-dir", str(tmp_path / "fleet")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=110, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    try:
        event_id = send_feedback(json.loads(done.stdout))
        eventually_sync(lambda: hearback(tmp_path / "fleet", "explain", event_id).returncode == 0)
        assert answer_of(tmp_path / "fleet", "status")["stores"] == []
        assert not (tmp_path / "fleet" / "postgres").exists()
        assert not (tmp_path / "fleet" / "valkey").exists()
    finally:
        assert hearback(tmp_path / "fleet", "down").returncode == 0
