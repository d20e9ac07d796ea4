"""`hearback explain`: the fate of a submission."""

import argparse
from typing import Any

from hearback_contracts.reasons import EXPLANATIONS

from hearback_local.commands.arguments import add_command
from hearback_local.commands.tables import printable, show
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet.api import Access, project_path, quoted
from hearback_local.fleet.projects import parse_slugs


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = add_command(commands, common, "explain", _explain, "show what happened to a submission")
    parser.add_argument("event_id", metavar="EVENT_ID", help="as the SDK's capture call returned it")
    parser.add_argument("--project", metavar="ORGANIZATION/PROJECT", help="search only this project")


def _explain(options: argparse.Namespace, data_dir: DataDir) -> int:
    submission = find_submission(data_dir, options.event_id, options.project)
    return show(options, submission, printable(in_words(submission), keep="\n"))


def find_submission(data_dir: DataDir, event_id: str, project: str | None) -> dict[str, Any]:
    """Return the submission with its project; search all known projects unless one is given.

    Raises FleetError if the submission or the project is unknown.
    """
    access = Access(data_dir)
    wanted = event_id.replace("-", "").lower()
    projects = access.projects()
    if project is not None:
        access.find_project(project)
        projects = [parse_slugs(project)]
    for organization, slug in projects:
        path = project_path(organization, slug)
        found = access.api(organization).find(f"{path}submissions/{quoted(wanted)}/")
        if found is not None:
            return {**found, "organization": organization, "project": slug}
    searched = ", ".join(f"{organization}/{slug}" for organization, slug in projects)
    raise FleetError(f"no submission {event_id} is known in {searched}")


def in_words(submission: dict[str, Any]) -> str:
    """Return the fate as lines of text, with the steps in chronological order."""
    lines = [
        f"Submission {submission['id']} in {submission['organization']}/{submission['project']}",
        f"  source    {submission.get('source') or 'unknown'}",
        f"  received  {submission.get('receivedAt') or 'unknown'}",
        f"  state     {submission['state']}",
    ]
    if submission.get("reason"):
        lines.append(f"  reason    {_reason(submission['reason'])}")
    if submission.get("feedbackId"):
        lines.append(f"  feedback  issue {submission['feedbackId']}")
    lines.append("  steps")
    for step in submission.get("steps", []):
        line = f"    {step['at']}  {step['service']:17} {step['step']}"
        lines.append(line + (f": {_reason(step['reason'])}" if step.get("reason") else ""))
        if step.get("details"):
            lines.append(f"{'':32}{', '.join(step['details'])}")
    return "\n".join(lines)


def _reason(code: str) -> str:
    explanation = next((text for reason, text in EXPLANATIONS.items() if reason.value == code), None)
    return f"{code} — {explanation}" if explanation else code
