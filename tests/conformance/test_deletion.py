"""What people delete says so: in the fate, for feedback and for reports that still waited."""

import uuid
from collections.abc import Callable
from typing import Any

from test_fates import feedback, outcomes, send_error, send_feedback, send_report, the_fate

WaitUntil = Callable[..., Any]


def delete_feedback(project: Any, issue_id: str) -> None:
    path = f"/api/0/organizations/{project.organization}/issues/{issue_id}/"
    assert project.http.delete(path).status_code in {202, 204}


def delete_report(project: Any, event_id: str, **where: str) -> None:
    path = f"/api/0/projects/{project.organization}/{project.project}/user-feedback/"
    report = next(one for one in project.get(path, **where) if one["eventID"] == event_id)
    assert project.http.delete(f"{path}{report['id']}/").status_code == 204


def steps(fate: dict[str, Any]) -> list[str]:
    return [step["step"] for step in fate["steps"]]


def test_a_feedback_that_a_person_deletes(project: Any, wait_until: WaitUntil) -> None:
    event_id = send_feedback(project, feedback())
    issue_id = the_fate(project, event_id, "stored")["feedbackId"]
    delete_feedback(project, issue_id)
    fate = the_fate(project, event_id, "dropped")
    assert (fate["reason"], fate["feedbackId"]) == ("deleted", issue_id)
    assert ("feedback", "deleted") in [(step["service"], step["step"]) for step in fate["steps"]]
    wait_until(lambda: outcomes(project), equals={("accepted", None): 1})
    send_feedback(project, feedback(), event_id)
    again = wait_until(
        lambda: (found := project.submission(event_id)) and "deleted_before" in steps(found) and found
    )
    assert (again["state"], again["reason"]) == ("dropped", "deleted")
    assert project.issues() == []


def test_a_waiting_report_that_a_person_deletes_and_its_author_writes_again(
    project: Any, wait_until: WaitUntil
) -> None:
    event_id = uuid.uuid4().hex
    send_report(project, event_id)
    the_fate(project, event_id, "waiting_for_event")
    delete_report(project, event_id, linked="false")
    fate = the_fate(project, event_id, "dropped")
    assert fate["reason"] == "deleted"
    assert ("user-reports", "deleted") in [(step["service"], step["step"]) for step in fate["steps"]]
    wait_until(lambda: outcomes(project), equals={("invalid", "deleted"): 1})
    send_error(project, event_id)
    project.indexed(event_id)
    project.settle()
    assert "linked" not in steps(the_fate(project, event_id, "dropped"))

    other = uuid.uuid4().hex
    send_report(project, other)
    the_fate(project, other, "waiting_for_event")
    delete_report(project, other, linked="false")
    the_fate(project, other, "dropped")
    send_report(project, other)
    assert the_fate(project, other, "waiting_for_event")["reason"] is None
    send_error(project, other)
    the_fate(project, other, "linked")
    wait_until(lambda: outcomes(project), equals={("invalid", "deleted"): 2, ("accepted", None): 1})


def test_a_linked_report_that_is_deleted_and_written_again_changes_its_feedback(
    project: Any, wait_until: WaitUntil
) -> None:
    event_id = send_error(project)
    project.indexed(event_id)
    for words in ("First words", "Second words", "Third words"):
        send_report(project, event_id, {"event_id": event_id, "comments": words})
        wait_until(lambda words=words: [i["metadata"]["message"] for i in project.issues()] == [words])
        delete_report(project, event_id)
    wait_until(lambda: outcomes(project), equals={("accepted", None): 1})


def test_a_linked_report_and_its_feedback_are_deleted_apart(project: Any, wait_until: WaitUntil) -> None:
    event_id = send_error(project)
    project.indexed(event_id)
    send_report(project, event_id)
    issue_id = project.kept(event_id)["feedbackId"]
    delete_report(project, event_id)
    kept = wait_until(lambda: (found := project.submission(event_id)) and "deleted" in steps(found) and found)
    assert (kept["state"], kept["reason"]) == ("linked", None), "its feedback is still there"
    delete_feedback(project, issue_id)
    assert the_fate(project, event_id, "dropped")["reason"] == "deleted"
    send_report(project, event_id)
    wait_until(lambda: "deleted_before" in steps(project.submission(event_id) or {"steps": []}))
    assert the_fate(project, event_id, "dropped")["reason"] == "deleted"
    assert project.issues() == []
