"""A refused report is taken in after all, once; reports on no event stand each for itself."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from test_fates import post_form, post_report, send_error, send_report, the_fate

WaitUntil = Callable[..., Any]
ZERO = "0" * 32


def take_in(project: Any, submission_id: str) -> int:
    path = f"/api/0/projects/{project.organization}/{project.project}/submissions/{submission_id}/"
    status: int = project.http.put(path, json={"state": "stored"}).status_code
    return status


@pytest.mark.parametrize(
    ("minutes", "comments", "reason"),
    [(31, "too late", "Associated event is too old"), (0, "w" * 5_000, "Message Too Large")],
)
def test_a_refused_report_is_taken_in_once(
    project: Any, wait_until: WaitUntil, minutes: int, comments: str, reason: str
) -> None:
    event_id = send_error(project, timestamp=time.time() - minutes * 60)
    base = f"/api/0/projects/{project.organization}/{project.project}"
    project.indexed(event_id)
    send_report(project, event_id, {"event_id": event_id, "comments": comments})
    fate = the_fate(project, event_id, "invalid")
    assert (fate["reason"], project.submission(event_id)["payload"]["comments"]) == (reason, comments)
    assert take_in(project, event_id) == 200
    assert the_fate(project, event_id, "linked")["reason"] is None
    assert take_in(project, event_id) == 409
    wait_until(lambda: project.counts("outcome", category="feedback"), equals={"accepted": 1})
    (report,) = project.get(f"{base}/user-feedback/")
    assert (report["comments"], report["eventID"]) == (comments, event_id)
    (issue,) = wait_until(project.issues)
    assert issue["metadata"]["associated_event_id"] == event_id


def test_the_all_zero_id_is_no_event(project: Any, wait_until: WaitUntil) -> None:
    word = uuid.uuid4().hex
    send_report(project, ZERO, {"event_id": ZERO, "comments": f"envelope {word}"})
    assert post_report(project, ZERO, comments=f"posted {word}").status_code == 200
    assert post_form(project, ZERO, comments=f"form {word}").status_code == 200
    issues = wait_until(lambda: len(found := project.issues()) == 3 and found)
    assert {issue["metadata"].get("associated_event_id") for issue in issues} == {None}
    base = f"/api/0/projects/{project.organization}/{project.project}"
    rows = project.get(f"{base}/user-feedback/", linked="false")
    assert sorted(row["comments"] for row in rows) == sorted(
        f"{way} {word}" for way in ("envelope", "form", "posted")
    )
    assert json.dumps(rows).count(ZERO) >= 3
