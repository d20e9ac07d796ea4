"""`hearback mail`: what a fleet without a mail server wrote."""

import json
import os
from email.message import EmailMessage
from pathlib import Path

import pytest
from hearback_local.commands.cli import run


def write(folder: Path, name: str, subject: str, at: int, text: str = "Words\n") -> None:
    message = EmailMessage()
    message["From"] = "Hearback <hearback@example.com>"
    message["To"] = "owner@example.com"
    message["Subject"] = subject
    message["Message-ID"] = f"<{name}@example.com>"
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    path = folder / "mail" / f"{name}.eml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(message))
    os.utime(path, (at, at))


def hearback(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> tuple[int, str, str]:
    code = run([*arguments, "--data-dir", str(folder)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_mail_is_listed_newest_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "first", "Grüße: new feedback", 1000)
    write(tmp_path, "second", "Another", 2000)
    (tmp_path / "mail" / "notes.txt").write_text("not a mail")
    code, out, _ = hearback(capsys, tmp_path, "mail", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["NAME", "second", "first"]
    assert "Grüße: new feedback" in out
    _, out, _ = hearback(capsys, tmp_path, "mail", "list", "--json", "--limit", "1")
    assert [(mail["name"], mail["to"]) for mail in json.loads(out)] == [("second", "owner@example.com")]


@pytest.mark.parametrize("name", ["first", "first.eml"])
def test_one_mail_is_shown_as_text(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "first", "New feedback", 1000, "It works — fine\n")
    code, out, _ = hearback(capsys, tmp_path, "mail", "show", name)
    assert code == 0
    assert "To: owner@example.com\n" in out
    assert "Subject: New feedback\n" in out
    assert out.endswith("\n\nIt works — fine\n")
    assert "<p>" not in out
    _, out, _ = hearback(capsys, tmp_path, "mail", "show", name, "--json")
    assert json.loads(out)["message_id"] == "<first@example.com>"


def test_bytes_that_are_no_mail_are_shown_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "odd.eml").write_bytes(b"\xff\x00 not a header\n\nrest")
    assert hearback(capsys, tmp_path, "mail", "list")[0] == 0
    assert hearback(capsys, tmp_path, "mail", "show", "odd")[0] == 0


def test_no_mail_is_said_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hearback(capsys, tmp_path, "mail", "list") == (0, "", f"no mail has been written to {tmp_path}/mail\n")
    assert hearback(capsys, tmp_path, "mail", "list", "--json") == (0, "[]\n", "")
    assert hearback(capsys, tmp_path, "mail", "show", "../fleet")[0] == 1


@pytest.mark.parametrize("name", ["/etc/passwd", "../fleet.json", "none"])
def test_only_mail_is_shown(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mail").mkdir()
    code, out, err = hearback(capsys, tmp_path, "mail", "show", name)
    assert (code, out) == (1, "")
    assert err == f"hearback: no mail {name} in {tmp_path}/mail\n"
