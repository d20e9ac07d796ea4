"""Journeys of the programs that people already use with Sentry's API, against the whole fleet."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from clients.driver import CommandLine, McpServer

MESSAGE = "The export button does nothing"
COMMENTS = "It broke when I pressed save"


class Sent:
    """An error with a report on it, and a feedback linked to the error."""

    def __init__(self, project: Any, eventually: Any) -> None:
        self.project = project
        self.error, self.feedback = uuid.uuid4().hex, uuid.uuid4().hex
        now = datetime.now(UTC).timestamp()
        event = {
            "event_id": self.error,
            "timestamp": now,
            "platform": "javascript",
            "exception": {"values": [{"type": "TypeError", "value": "x is undefined"}]},
            "user": {"id": 7, "email": "ada@example.com"},
        }
        report = {"event_id": self.error, "name": "Ada", "email": "ada@example.com", "comments": COMMENTS}
        feedback = {
            "event_id": self.feedback,
            "timestamp": now,
            "platform": "javascript",
            "user": {"id": 7},
            "tags": {"plan": "free"},
            "contexts": {
                "feedback": {
                    "message": MESSAGE,
                    "contact_email": "ada@example.com",
                    "name": "Ada",
                    "associated_event_id": self.error,
                }
            },
        }
        project.send(
            ({"type": "event"}, json.dumps(event).encode()),
            ({"type": "user_report"}, json.dumps(report).encode()),
            header={"event_id": self.error},
        )
        project.send(({"type": "feedback"}, json.dumps(feedback).encode()), header={"event_id": self.feedback})
        eventually(lambda: len(project.issues()), equals=2)
        project.settle()
        self.issue = next(i for i in project.issues() if i["metadata"]["message"] == MESSAGE)
        self.from_report = next(i for i in project.issues() if i["metadata"]["message"] == COMMENTS)

    def status(self) -> str:
        """Return the status of the feedback."""
        return str(next(i for i in self.project.issues() if i["id"] == self.issue["id"])["status"])

    def error_group(self) -> dict[str, Any]:
        """Return the error group, as the reports' API hands it out."""
        path = f"/api/0/projects/{self.project.organization}/{self.project.project}/user-feedback/"
        return dict(self.project.get(path)[0]["issue"])


@pytest.fixture
def sent(fleet: Any, wait_until: Any) -> Sent:
    """What was sent to a project of an organization of its own: clients list all projects of theirs."""
    return Sent(fleet.new_project(organization=f"o{uuid.uuid4().hex[:10]}"), wait_until)


@pytest.fixture
def command_line(sent: Sent, tmp_path: Any) -> CommandLine:
    return CommandLine(sent.project.url, sent.project.token, tmp_path)


@pytest.fixture
def mcp(sent: Sent, tmp_path: Any) -> Iterator[McpServer]:
    server = McpServer(sent.project.url, sent.project.token, tmp_path)
    yield server
    server.close()


def test_the_command_line_lists_views_and_triages_feedback(command_line: CommandLine, sent: Sent) -> None:
    target = f"{sent.project.organization}/{sent.project.project}"
    short = f"{sent.project.organization}/{sent.issue['shortId']}"
    listed = command_line.json("feedback", "list", target)["data"]
    assert {row["shortId"] for row in listed} == {sent.issue["shortId"], sent.from_report["shortId"]}
    found = command_line.json("feedback", "list", target, "--query", "export")["data"]
    assert [row["shortId"] for row in found] == [sent.issue["shortId"]]

    assert MESSAGE in command_line.run("feedback", "view", short)
    command_line.run("feedback", "resolve", short)
    assert sent.status() == "resolved"
    command_line.run("feedback", "unresolve", short)
    assert sent.status() == "unresolved"
    command_line.run("feedback", "spam", short)
    assert sent.status() == "ignored"
    spam = command_line.json("feedback", "list", target, "--status", "spam", "--fresh")["data"]
    assert [row["shortId"] for row in spam] == [sent.issue["shortId"]]


def test_the_command_line_views_each_thing_by_each_of_its_ids(command_line: CommandLine, sent: Sent) -> None:
    place = f"{sent.project.organization}/{sent.project.project}"
    group = sent.error_group()
    for issue in (sent.issue["shortId"], sent.issue["id"], group["shortId"], group["id"]):
        wanted = issue if "-" in issue else {sent.issue["id"]: sent.issue, group["id"]: group}[issue]["shortId"]
        assert wanted in command_line.run("issue", "view", f"{sent.project.organization}/{issue}")
    for event in (sent.feedback, sent.error):
        assert event in command_line.run("event", "view", f"{place}/{event}")
    for short in (sent.issue["shortId"], group["shortId"]):
        assert command_line.json("issue", "events", f"{sent.project.organization}/{short}")["data"]


def test_the_command_line_says_that_an_unknown_id_is_not_there(command_line: CommandLine, sent: Sent) -> None:
    short = f"{sent.project.organization}/{sent.project.project.upper()}-ZZZZ"
    command_line.run("feedback", "view", short, succeeds=False)


def test_the_mcp_server_finds_views_and_updates_issues(mcp: McpServer, sent: Sent) -> None:
    organization, short = sent.project.organization, sent.issue["shortId"]
    assert organization in mcp.call("find_organizations")
    assert sent.project.project in mcp.call("find_projects", organizationSlug=organization)
    found = mcp.call(
        "search_issues",
        organizationSlug=organization,
        projectSlugOrId=sent.project.project,
        query="issue.category:feedback is:unresolved",
    )
    assert short in found
    assert sent.from_report["shortId"] in found
    for resource in (short, sent.error_group()["shortId"]):
        shown = mcp.call(
            "get_sentry_resource", organizationSlug=organization, resourceType="issue", resourceId=resource
        )
        assert resource in shown
    mcp.call("update_issue", organizationSlug=organization, issueId=short, status="resolved")
    assert sent.status() == "resolved"
    mcp.call("update_issue", organizationSlug=organization, issueId=short, status="unresolved")
    assert sent.status() == "unresolved"


def test_the_mcp_server_finds_a_feedback_by_its_event_id(mcp: McpServer, sent: Sent) -> None:
    shown = mcp.call(
        "get_sentry_resource",
        organizationSlug=sent.project.organization,
        resourceType="event",
        resourceId=sent.feedback,
    )
    assert MESSAGE in shown
    assert "not found" not in shown.lower()
