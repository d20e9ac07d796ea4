"""Each reason for a refusal is recorded in the fate and counted once; so are the rare ways in."""

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from test_fates import (
    feedback,
    outcomes,
    post_form,
    post_report,
    send_error,
    send_feedback,
    send_report,
)

WaitUntil = Callable[..., Any]
DENIED = "denied"


@pytest.fixture(scope="module")
def strict_fleet(fleet_starter: tuple[Callable[..., Any], Callable[[Any], None]]) -> Iterator[Any]:
    """A fleet that denies an organization, takes one report per event, and sweeps every second."""
    with tempfile.TemporaryDirectory(prefix="hearback-strict-") as folder:
        Path(folder).chmod(0o755)
        start, stop = fleet_starter
        running = start(
            Path(folder) / "data",
            HEARBACK_ORGANIZATIONS_DENIED=DENIED,
            USER_REPORTS_OVERWRITE_MINUTES_MAX="0",
            USER_REPORTS_SWEEP_SECONDS="1",
        )
        yield running
        stop(running)


def set_options(project: Any, **options: Any) -> None:
    path = f"/api/0/projects/{project.organization}/{project.project}/"
    named = {name.replace("__", ":"): value for name, value in options.items()}
    assert project.http.put(path, json={"options": named}).status_code == 200


def old_error(project: Any, minutes: float) -> str:
    event_id = send_error(project, timestamp=time.time() - minutes * 60)
    project.indexed(event_id)
    return event_id


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"comments": "It broke"}, "Missing event_id"),
        ({"comments": "It broke", "event_id": None}, "Missing event_id"),
        ({"comments": "It broke", "event_id": "nonsense"}, "Invalid Event ID"),
    ],
)
def test_a_report_about_no_event_is_found_in_the_list(
    project: Any, wait_until: WaitUntil, payload: dict[str, Any], reason: str
) -> None:
    answer = project.send(({"type": "user_report"}, json.dumps(payload).encode()))
    assert answer.status_code == 200
    path = f"/api/0/projects/{project.organization}/{project.project}/submissions/"
    (row,) = wait_until(lambda: project.get(path, reason=reason))
    assert (row["state"], row["source"]) == ("invalid", "user_report_envelope")
    detail = project.submission(row["id"])
    assert detail.pop("payload") == payload
    assert detail == row
    wait_until(lambda: outcomes(project), equals={("invalid", reason): 1})


@pytest.mark.parametrize(
    ("comments", "reason"),
    [("  ", "Empty Feedback Messsage"), ("Sent in the unattended mode", "Sent in Unreal Unattended Mode")],
)
def test_a_project_may_refuse_garbage(project: Any, wait_until: WaitUntil, comments: str, reason: str) -> None:
    set_options(project, feedback__filter_garbage_messages=True)

    def refused() -> str | None:
        event_id = uuid.uuid4().hex
        send_report(project, event_id, {"comments": comments})
        fate = wait_until(
            lambda: (found := project.submission(event_id)) and found["state"] != "accepted" and found
        )
        return event_id if fate["reason"] == reason else None

    event_id = wait_until(refused)
    project.reached(event_id, "invalid", reason)
    wait_until(lambda: outcomes(project)["invalid", reason] == 1)


@pytest.mark.parametrize("send", [send_report, post_report])
def test_a_report_that_comes_too_late(project: Any, wait_until: WaitUntil, send: Callable[..., Any]) -> None:
    event_id = old_error(project, 31)
    send(project, event_id)
    project.reached(event_id, "invalid", "Associated event is too old")
    wait_until(lambda: outcomes(project), equals={("invalid", "Associated event is too old"): 1})
    fresh = old_error(project, 29)
    send(project, fresh)
    project.reached(fresh, "linked", None)


def test_a_second_report_leaves_the_first_as_it_is(strict_fleet: Any, wait_until: WaitUntil) -> None:
    project = strict_fleet.new_project()
    event_id = old_error(project, 0)
    send_report(project, event_id)
    project.reached(event_id, "linked", None)
    send_report(project, event_id)
    wait_until(lambda: "Duplicate report" in [step["reason"] for step in project.submission(event_id)["steps"]])
    project.reached(event_id, "linked", None)
    wait_until(lambda: outcomes(project), equals={("accepted", None): 1, ("invalid", "Duplicate report"): 1})


def test_a_denied_organization(strict_fleet: Any, wait_until: WaitUntil) -> None:
    project = strict_fleet.new_project(organization=DENIED)
    new = send_feedback(project, feedback())
    project.reached(new, "filtered", "org.denylist")
    by_envelope, by_form = uuid.uuid4().hex, old_error(project, 0)
    send_report(project, by_envelope)
    project.reached(by_envelope, "filtered", "org.denylist")
    post_form(project, by_form).raise_for_status()
    project.reached(by_form, "filtered", "org.denylist")
    wait_until(lambda: outcomes(project), equals={("filtered", "org.denylist"): 3})


def test_a_report_whose_link_was_missed_is_swept(strict_fleet: Any, wait_until: WaitUntil) -> None:
    """The fifth way. Nothing misses a link of itself, so a hand hides the report while its event arrives."""
    project = strict_fleet.new_project()
    event_id = uuid.uuid4().hex
    send_report(project, event_id)
    project.reached(event_id, "waiting_for_event", None)
    hide(strict_fleet, event_id, "0")
    send_error(project, event_id)
    project.indexed(event_id)
    project.reached(event_id, "waiting_for_event", None)
    hide(strict_fleet, event_id, "NULL")
    fate = project.reached(event_id, "linked", None)
    assert fate["source"] == "user_report_envelope"
    (issue,) = wait_until(project.issues)
    assert issue["metadata"]["source"] == "update_user_reports_task"
    wait_until(lambda: outcomes(project), equals={("accepted", None): 1})


def hide(fleet: Any, event_id: str, group_id: str) -> None:
    url = json.loads((fleet.data_dir / "state.json").read_text())["environment"]["HEARBACK_DATABASE_URL"]

    async def run() -> None:
        connection = await asyncpg.connect(url, database="user_reports")
        done = await connection.execute(f"UPDATE reports SET group_id = {group_id} WHERE event_id = $1", event_id)
        await connection.close()
        assert done == "UPDATE 1"

    asyncio.run(run())


def test_a_feedback_nested_too_deeply(project: Any, wait_until: WaitUntil) -> None:
    extra = "[" * 250 + "]" * 250
    body = f'{{"contexts": {{"feedback": {{"message": "It is slow"}}}}, "extra": {extra}}}'
    event_id = send_feedback(project, body.encode())
    project.reached(event_id, "invalid", "nesting_too_deep")
    wait_until(lambda: outcomes(project), equals={("invalid", "nesting_too_deep"): 1})


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("feedback", feedback("It is slow") | {"extra": {"x": "x" * 2**20}}, "too_large:user_report_v2"),
        ("user_report", {"comments": "x" * 2**20}, "too_large:user_report"),
    ],
)
def test_what_is_too_large_is_reported(
    project: Any, wait_until: WaitUntil, kind: str, payload: dict[str, Any], reason: str
) -> None:
    event_id = uuid.uuid4().hex
    answer = project.send(({"type": kind}, json.dumps(payload).encode()), header={"event_id": event_id})
    assert answer.status_code == 413
    project.reached(event_id, "invalid", reason)
    wait_until(lambda: outcomes(project), equals={("invalid", reason): 1})


def test_a_form_that_is_too_large_is_reported(project: Any) -> None:
    event_id = uuid.uuid4().hex
    assert post_form(project, event_id, "x" * 2**20).status_code == 413
    project.reached(event_id, "invalid", "too_large:user_report")


def send_from(project: Any, origin: str, event_id: str) -> httpx.Response:
    body = f'{{"event_id":"{event_id}"}}\n{{"type":"feedback"}}\n' + json.dumps(feedback())
    return httpx.post(
        f"{project.url}/api/{project.project_id}/envelope/",
        params={"sentry_key": project.public_key},
        content=body,
        headers={"Origin": origin},
    )


def test_an_origin_that_is_not_allowed(project: Any, wait_until: WaitUntil) -> None:
    set_options(project, sentry__origins=["https://shop.example.com"])
    refused = wait_until(
        lambda: (
            send_from(project, "https://evil.example", event_id := uuid.uuid4().hex).status_code == 403
            and event_id
        )
    )
    project.reached(refused, "invalid", "cors")
    allowed = uuid.uuid4().hex
    assert send_from(project, "https://shop.example.com", allowed).status_code == 200
    project.reached(allowed, "stored", None)


def test_a_key_that_is_switched_off(project: Any, wait_until: WaitUntil) -> None:
    path = f"/api/0/projects/{project.organization}/{project.project}/keys/"
    key = project.get(path)[0]
    assert project.http.put(f"{path}{key['id']}/", json={"isActive": False}).status_code == 200
    origin = "https://shop.example.com"
    refused = wait_until(
        lambda: send_from(project, origin, event_id := uuid.uuid4().hex).status_code in {401, 403} and event_id
    )
    project.reached(refused, "invalid", "project_id")
