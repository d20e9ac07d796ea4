"""A backup under load, restored into an empty folder, holds what was acknowledged before it, once."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loading import SCREENSHOT, Load, event_id_of, stored_issues

Starter = tuple[Callable[..., Any], Callable[[Any], None]]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hearback-backup-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def of_fleet(project: Any, fleet: Any) -> Any:
    """Return the project as another fleet has it."""
    return type(project)({**project.facts, "url": fleet.url, "token": fleet.token}, fleet.data_dir)


def screenshots(project: Any, issues: list[dict[str, Any]]) -> set[bytes]:
    """Return the different attachments of these issues."""
    found = set()
    for issue in issues:
        event_id = project.latest_event(issue["id"])["eventID"]
        path = f"/api/0/projects/{project.organization}/{project.project}/events/{event_id}/attachments/"
        for one in project.get(path):
            found.add(project.http.get(f"{path}{one['id']}/", params={"download": "1"}).content)
    return found


def test_a_restored_backup_has_all_that_was_acknowledged_before_it(
    own_fleet: Any, folder: Path, fleet_starter: Starter, wait_until: Callable[..., Any]
) -> None:
    project = own_fleet.new_project()
    with Load(project, with_attachments=True, pause_seconds=0.005).running() as load:
        load.more(60, wait_until)
        before = set(load.acknowledged)
        saved = json.loads(own_fleet.command("backup", str(folder / "saved"), "--json"))
        load.more(60, wait_until)
    assert saved["frozen_seconds"] < 5
    project.settle()
    assert set(load.acknowledged) <= {event_id_of(issue) for issue in stored_issues(project)}

    start, stop = fleet_starter
    empty = type(own_fleet)(own_fleet.facts, folder / "new")
    restored = json.loads(empty.command("restore", str(folder / "saved"), "--json"))
    assert restored == saved
    empty.close()
    running = start(folder / "new")
    try:
        again = of_fleet(project, running)
        again.settle()
        issues = stored_issues(again)
        found = [event_id_of(issue) for issue in issues]
        assert len(found) == len(set(found))
        unclear = {event_id for event_id, _ in load.refused} | set(load.cut)
        assert before <= set(found) <= set(load.acknowledged) | unclear
        assert screenshots(again, issues[:5]) == {SCREENSHOT}
        # It is a fleet of its own, which goes on.
        assert again.send(({"type": "client_report"}, b'{"discarded_events": []}')).status_code == 200
        keys = again.get(f"/api/0/projects/{again.organization}/{again.project}/keys/")
        assert [key["public"] for key in keys] == [project.public_key]
        again.close()
    finally:
        stop(running)


def test_a_stopped_fleet_is_saved_and_restored_as_it_was(
    folder: Path, fleet_starter: Starter, wait_until: Callable[..., Any]
) -> None:
    start, stop = fleet_starter
    first = start(folder / "first")
    with Load(first).running() as load:
        load.more(10, wait_until)
    first.settle()
    stop(first)
    saved = json.loads(first.command("backup", str(folder / "saved"), "--json"))
    assert saved["rows"]["feedback"]["public.feedback"] == len(load.acknowledged)

    damaged = folder / "damaged"
    shutil.copytree(folder / "saved", damaged)
    with (damaged / "valkey.rdb").open("ab") as file:
        file.write(b"x")
    second = type(first)(first.facts, folder / "second")
    with pytest.raises(AssertionError, match=r"is damaged: valkey\.rdb"):
        second.command("restore", str(damaged))
    with pytest.raises(AssertionError, match="is not empty"):
        first.command("restore", str(folder / "saved"))
    with pytest.raises(AssertionError, match="exists; name a folder that does not"):
        first.command("backup", str(folder / "saved"))
    assert not second.data_dir.exists()

    second.command("restore", str(folder / "saved"))
    again = json.loads(second.command("backup", str(folder / "again"), "--json"))
    assert again["rows"] == saved["rows"]
    assert (again["keys"], again["files"]) == (saved["keys"], saved["files"])
    second.close()
