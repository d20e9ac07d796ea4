"""The audit of what is pinned: ranges, the committed snapshot, exceptions, and dumps of others."""

import hashlib
import json
import subprocess
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hearback_local.audit.__main__ import CLEAN, INCOMPLETE, ROOT, VULNERABLE, main
from hearback_local.audit.advisories import read, record
from hearback_local.audit.dumps import RECORD_BYTES_MAX
from hearback_local.audit.findings import findings
from hearback_local.audit.pins import AuditError, Pin, locked, pins
from hearback_local.audit.snapshot import committed
from packaging.version import Version

TODAY = date(2026, 11, 29)
LOCKS = Path("deploy/locks")
ALL = [{"introduced": "0"}]


def advisory(*events: dict[str, str], name: str = "demo", kind: str = "PyPI", **more: Any) -> dict[str, Any]:
    """Return a record of OSV with one range."""
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}]
    package = {"ecosystem": kind, "name": name}
    affected = {"package": package, "ranges": ranges, "versions": more.pop("versions", [])}
    return {"id": "PYSEC-2026-1", "modified": "2026-11-01T00:00:00Z", "affected": [affected]} | more


@dataclass
class Audit:
    """A repository of a lock, a policy and an empty snapshot, and a dump beside it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def __post_init__(self) -> None:
        self.root, self.dump = self.folder / "repository", self.folder / "dump"
        self.dump.mkdir()
        self.write("requirements.lock", "demo==1.5\n")
        self.write(LOCKS / "audit.toml", "")
        self.write(LOCKS / "advisories.json", {"looked_up": {}, "sources": [], "advisories": []})

    def write(self, name: str | Path, content: object) -> None:
        """Write a file of the repository."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    def dumped(self, **contents: object) -> Path:
        """Write files of the dump."""
        for name, content in contents.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (self.dump / f"{name}.json").write_text(text)
        return self.dump

    def run(self, *arguments: str | Path, today: date = TODAY) -> tuple[int, str, str]:
        """Return the result, what is printed, and what is wrong."""
        result = main([str(argument) for argument in arguments], self.root, today)
        return result, *self.capsys.readouterr()


@pytest.fixture
def audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Audit:
    return Audit(tmp_path, capsys)


def test_every_pin_of_the_repository_is_without_a_known_vulnerability(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], today=TODAY) == 0, capsys.readouterr().err


def test_every_committed_lock_is_read() -> None:
    shown = subprocess.run(["git", "ls-files", "*.lock"], cwd=ROOT, capture_output=True, text=True, check=True)
    read_files = {file for pin in pins(ROOT) for file in pin.files}
    assert set(shown.stdout.split()) <= read_files
    assert {"requirements.lock", "services/feedback/requirements.lock", "deploy/locks/uv.lock"} <= read_files


@pytest.mark.parametrize(
    ("name", "version", "ids"),
    [
        ("jinja2", "2.10", {"CVE-2019-10906", "CVE-2025-27516"}),
        ("starlette", "1.2.1", {"CVE-2026-54282", "GHSA-82w8-qh3p-5jfq"}),
        ("pillow", "12.2.0", {"CVE-2026-59203"}),
        ("sentry-sdk", "2.0.0a1", {"CVE-2024-40647"}),
        ("anyio", "4.14.1", {"CVE-2026-63349"}),
    ],
)
def test_the_committed_snapshot_knows_what_was_wrong(name: str, version: str, ids: set[str]) -> None:
    found = findings([Pin("PyPI", name, Version(version), ("a.lock",))], committed(ROOT).advisories)
    assert ids <= {known for finding in found for known in finding.names}
    fixed = max(finding.fix for finding in found if finding.fix)
    left = findings([Pin("PyPI", name, fixed, ("a.lock",))], committed(ROOT).advisories)
    assert ids.isdisjoint(known for finding in left for known in finding.names)


RANGES = [{"introduced": "0"}, {"fixed": "1.6.2"}, {"introduced": "1.7"}, {"fixed": "1.7.4"}, {"introduced": "2"}]


@pytest.mark.parametrize(
    ("events", "affected", "not_affected"),
    [
        (RANGES, ["0.1", "1.6.1", "1.7", "1.7.3", "2", "9"], ["1.6.2", "1.6.9", "1.7.4", "1.9", "2rc1"]),
        (RANGES[::-1], ["0.1", "1.7.3", "2"], ["1.6.2", "1.7.4"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.2"}], ["1.0", "1.2", "1.2+local"], ["0.9", "1.2.post1"]),
        ([{"introduced": "0"}, {"fixed": "2.0"}], ["0a1", "2.0rc1", "2.0.dev1"], ["2.0", "2.0.post1", "1!0.5"]),
        ([{"introduced": "1.0"}, {"fixed": "2"}, {"introduced": "2"}, {"fixed": "3"}], ["1.0", "2.0"], ["3"]),
        ([{"introduced": "3.9"}, {"fixed": "3.10"}], ["3.9.1"], ["3.10", "3.1"]),
    ],
)
def test_ranges(events: list[dict[str, str]], affected: list[str], not_affected: list[str]) -> None:
    (one,) = read(advisory(*events))
    versions = {text: next(iter(locked(f"demo=={text}", "a.lock")))[1] for text in affected + not_affected}
    assert [text for text in versions if one.affects(versions[text])] == affected
    (again,) = read(record([one]))
    assert [text for text in versions if again.affects(versions[text])] == affected


def test_versions_count_beside_ranges_and_whatever_is_no_version_does_not() -> None:
    (one,) = read(advisory({"introduced": "1"}, {"fixed": "2"}, versions=["0.9", "2004d", "3.0"]))
    affected = [text for text in ("0.8", "0.9", "1.0", "2", "3") if one.affects(Version(text))]
    assert affected == ["0.9", "1.0", "3"]
    assert one.fix(Version("0.9")) == Version("2")
    assert one.fix(Version("3")) is None
    (again,) = read(record([one]))
    assert again.affects(Version("0.9"))


def test_what_was_withdrawn_or_is_about_commits_affects_nothing() -> None:
    assert list(read(advisory({"introduced": "0"}, withdrawn="2026-11-02T00:00:00Z"))) == []
    commits = advisory({"introduced": "0"})
    commits["affected"][0]["ranges"][0]["type"] = "GIT"
    (one,) = read(commits)
    assert not one.affects(Version("1"))


def test_locks_are_read_with_extras_markers_hashes_and_any_spelling_of_names() -> None:
    text = (
        "# made by a tool\n"
        'Uvicorn[standard]==0.30 ; python_version < "3.13" \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n'
        "Flask_CORS==6.0.5 --hash=sha256:02\n"
        "torch==2.1+cpu  # here\n"
    )
    found = [f"{name} {version}" for name, version in locked(text, "a.lock")]
    assert found == ["uvicorn 0.30", "flask-cors 6.0.5", "torch 2.1"]


@pytest.mark.parametrize("line", ["demo", "demo>=1", "demo==1.*", "demo==1,<2", "-e .", "demo @ https://a.test/b"])
def test_what_pins_no_version_is_an_error(line: str) -> None:
    with pytest.raises(AuditError, match=r"a\.lock:2: "):
        list(locked(f"first==1\n{line}\n", "a.lock"))


def test_a_finding_says_what_where_and_what_to_do(audit: Audit) -> None:
    known = advisory(*ALL, {"fixed": "1.6"}, name="Demo", aliases=["CVE-2026-1"], summary="Bad.\x1b[31m")
    other = known | {"id": "GHSA-aaaa-bbbb-cccc", "modified": "2026-10-01"}
    result, _, said = audit.run("--osv", audit.dumped(one=known, other=other))
    assert result == VULNERABLE
    assert said.count("VULNERABLE") == 1  # the two are about one vulnerability
    assert "demo 1.5: GHSA-aaaa-bbbb-cccc (CVE-2026-1, PYSEC-2026-1)" in said
    assert "pinned in requirements.lock" in said
    assert "fixed in 1.6" in said
    assert "\x1b" not in said


ACCEPTED = """
[[accepted]]
id = "CVE-2026-1"
package = "demo"
reason = "not called"
reviewed = 2026-11-01
until = 2026-11-30
"""


def test_an_exception_holds_until_its_day_by_any_id(audit: Audit) -> None:
    audit.write(LOCKS / "audit.toml", ACCEPTED)
    dump = audit.dumped(one=advisory(*ALL, aliases=["CVE-2026-1"]))
    result, said, _ = audit.run("--osv", dump, today=date(2026, 11, 30))
    assert (result, "accepted until 2026-11-30: demo 1.5" in said) == (CLEAN, True)
    result, _, said = audit.run("--osv", dump, today=date(2026, 12, 1))
    assert (result, "its exception ended on 2026-11-30" in said) == (VULNERABLE, True)


def test_an_exception_of_another_package_covers_nothing_and_is_noted(audit: Audit) -> None:
    audit.write(LOCKS / "audit.toml", ACCEPTED)
    audit.write("requirements.lock", "other==1\n")
    dump = audit.dumped(one=advisory(*ALL, name="other", aliases=["CVE-2026-1"]))
    result, said, _ = audit.run("--osv", dump)
    assert result == VULNERABLE
    assert "CVE-2026-1 (demo) in deploy/locks/audit.toml is about nothing that is pinned" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("not called", " "),
        ("until = 2026-11-30", "until = 2027-11-30"),
        ("until = 2026-11-30", "until = 2026-10-30"),
        ("until = 2026-11-30", 'until = "2026-11-30"'),
        ("until = 2026-11-30", "until = 2026-11-30T00:00:00"),
        ("reviewed = 2026-11-01", ""),
        ("[[accepted]]", "[[accepted]]\nauthor = 1"),
        ("[[accepted]]", "[[accepted"),
    ],
)
def test_an_exception_needs_a_reason_and_an_end_in_sight(audit: Audit, old: str, new: str) -> None:
    audit.write(LOCKS / "audit.toml", ACCEPTED.replace(old, new))
    result, _, said = audit.run()
    assert (result, "deploy/locks/audit.toml: " in said) == (INCOMPLETE, True)


def test_an_old_snapshot_is_noted_and_fails_nothing(audit: Audit) -> None:
    source = {"ecosystem": "PyPI", "ids": "GHSA", "name": "Some", "licence": "CC0-1.0", "until": "2020-01-01"}
    audit.write(LOCKS / "advisories.json", {"looked_up": {"PyPI": []}, "sources": [source], "advisories": []})
    result, said, _ = audit.run(today=date(2036, 1, 1))
    assert result == CLEAN
    assert "PyPI: Some is 5844 days old" in said
    assert "never looked up: demo" in said


def test_a_dump_with_garbled_and_hostile_files_loses_nothing_else(audit: Audit) -> None:
    good = advisory(*ALL, {"fixed": "9"})
    bad = {
        "cut": json.dumps(good)[:-9],
        "deep": "[" * 100_000,
        "list": [good],
        "no_id": good | {"id": None},
        "path": good | {"id": "../../etc/passwd"},
        "aliases": good | {"aliases": "CVE"},
        "events": advisory({"fixed": "2"}),
        "version": advisory(*ALL, {"fixed": "two"}),
        "digits": advisory(*ALL, {"fixed": "9" * 5_000}),
        "nested": json.dumps(advisory(*ALL, {"fixed": "two"})).replace('"two"', '[["2"]]'),
        "number": good | {"summary": 7},
        "day": good | {"modified": "yesterday"},
        "escape": good | {"aliases": ["\x1b[2J"]},
        "large": " " * (RECORD_BYTES_MAX + 1),
    }
    dump = audit.dumped(**bad, good=good)
    (dump / "text.yaml").write_bytes(b"\xff\xfe: [")
    (dump / "deeper.yaml").write_text("[" * 100_000)
    (dump / "nests.yaml").write_text("[" * 900 + "]" * 900)
    (dump / "aliases.yaml").write_text(
        "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]" for n in range(1, 99)), "fixed: *a98"])
    )
    result, _, said = audit.run("--osv", dump)
    assert result == VULNERABLE
    assert [name for name in [*bad, "text", "deeper", "nests", "aliases"] if f"NOT READ {name}." not in said] == []
    assert "demo 1.5: PYSEC-2026-1" in said
    (dump / "good.json").unlink()
    assert audit.run("--osv", dump)[0] == INCOMPLETE


def test_a_zip_is_read_entry_by_entry(audit: Audit) -> None:
    archive = audit.folder / "all.zip"
    text = (
        "id: PYSEC-2026-2\nmodified: 2026-11-02T03:04:05Z\naffected:\n- package: {name: demo, ecosystem: PyPI}\n"
        "  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: 1.1\n    - fixed: 1.10\n"
    )
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.json", b" " * (RECORD_BYTES_MAX * 4))
        file.writestr("../../outside.json", json.dumps(advisory(*ALL, {"fixed": "1.6"})))
        file.writestr("text.yaml", text)
    result, _, said = audit.run("--osv", archive)
    assert result == VULNERABLE
    assert "NOT READ bomb.json: larger than" in said
    assert "PYSEC-2026-1" in said
    assert "fixed in 1.10" in said  # a text, and not the number 1.1
    content = archive.read_bytes()
    archive.write_bytes(content[:60] + b"\0" * 10 + content[70:])  # within the first entry
    result, _, said = audit.run("--osv", archive)
    assert (result, "NOT READ bomb.json: " in said) == (VULNERABLE, True)


@pytest.mark.parametrize("content", [None, b"", b"not a zip", b"PK\x05\x06" + b"\0" * 18])
def test_a_dump_that_is_none_is_an_error(audit: Audit, content: bytes | None) -> None:
    path = audit.folder / "all.zip"
    if content is not None:
        path.write_bytes(content)
    result, _, said = audit.run("--osv", path)
    assert (result, str(path) in said) == (INCOMPLETE, True)


def test_a_refresh_is_the_same_each_time_and_keeps_what_the_dump_has_not(audit: Audit) -> None:
    audit.write("requirements.lock", "demo==9\nother==1\n")
    old = [
        advisory(*ALL, {"fixed": "2"}, id="GHSA-npm0-0000-0000", kind="npm"),
        advisory(*ALL, {"fixed": "2"}, id="GHSA-only-0000-0000"),  # of a database that is not in the dump
        advisory(*ALL, {"fixed": "2"}, id="PYSEC-2026-8"),
        advisory(*ALL, {"fixed": "2"}, id="PYSEC-2026-9"),
    ]
    audit.write(LOCKS / "advisories.json", {"looked_up": {}, "sources": [], "advisories": old})
    known = advisory(*ALL, {"fixed": "2"}, versions=["1.0", "5.0"], aliases=["B", "A"], details="Long.")
    stranger = advisory({"introduced": "none of ours"}, name="stranger", id="PYSEC-2026-7")
    dump = audit.dumped(**{"one": known, "two": stranger, "PYSEC-2026-9": "{"})
    assert audit.run("--osv", dump, "--refresh", "--drop")[0] == INCOMPLETE  # a file of it could not be read
    made = (audit.root / LOCKS / "advisories.json").read_text()
    content = json.loads(made)
    ids = [entry["id"] for entry in content["advisories"]]
    assert ids == ["GHSA-npm0-0000-0000", "GHSA-only-0000-0000", "PYSEC-2026-1", "PYSEC-2026-9"]
    assert content["advisories"][2]["affected"][0]["versions"] == ["5.0"]
    assert content["looked_up"] == {"PyPI": ["demo", "other"]}
    assert [(one["ids"], one["until"]) for one in content["sources"]] == [("PYSEC", "2026-11-01")]
    audit.run("--osv", dump, "--refresh", "--drop", today=date(2030, 1, 1))
    assert (audit.root / LOCKS / "advisories.json").read_text() == made
    (dump / "PYSEC-2026-9.json").unlink()
    assert audit.run("--osv", dump, "--refresh", "--drop")[0] == CLEAN
    assert audit.run("--refresh")[0] == INCOMPLETE  # from nothing


def test_a_part_of_a_dump_drops_at_most_a_tenth_of_a_database_unless_asked_to(audit: Audit) -> None:
    known = [advisory(*ALL, {"fixed": "1"}, id=f"PYSEC-2026-{number}") for number in range(10, 20)]
    audit.write(LOCKS / "advisories.json", {"looked_up": {}, "sources": [], "advisories": known})
    before = (audit.root / LOCKS / "advisories.json").read_text()
    dump = audit.dumped(**{one["id"]: one for one in known[:8]})
    result, _, said = audit.run("--osv", dump, "--refresh")
    assert (result, "2 advisories such as PYSEC-2026-18, PYSEC-2026-19" in said) == (INCOMPLETE, True)
    assert (audit.root / LOCKS / "advisories.json").read_text() == before
    audit.dumped(**{"PYSEC-2026-18": known[8]})
    assert audit.run("--osv", dump, "--refresh")[0] == CLEAN
    (dump / "PYSEC-2026-17.json").unlink()
    (dump / "PYSEC-2026-18.json").unlink()
    assert audit.run("--osv", dump, "--refresh", "--drop")[0] == CLEAN
    content = json.loads((audit.root / LOCKS / "advisories.json").read_text())
    assert len(content["advisories"]) == 7


def test_vendored_files_are_what_they_are_declared_to_be(audit: Audit) -> None:
    name = "shared/web/static/some.min.js"
    audit.write(name, "1")
    assert f"{name} is not declared" in audit.run()[2]
    digest = hashlib.sha256(b"1").hexdigest()
    packages = 'packages = { "uplot" = "1.6.30" }'
    audit.write(LOCKS / "audit.toml", f'[[vendored]]\nfile = "{name}"\nsha256 = "{digest}"\n{packages}\n')
    audit.write(LOCKS / "advisories.json", (ROOT / LOCKS / "advisories.json").read_text())
    result, _, said = audit.run()
    assert (result, "uplot 1.6.30: GHSA-34q8-jcq6-mc37" in said) == (VULNERABLE, True)
    audit.write(name, "2")
    result, _, said = audit.run()
    assert (result, f"{name} is not what deploy/locks/audit.toml declares" in said) == (INCOMPLETE, True)
