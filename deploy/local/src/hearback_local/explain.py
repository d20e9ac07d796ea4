"""`hearback explain`: the fate of one submission in words."""

from typing import Any

from hearback_contracts.reasons import EXPLANATIONS

from hearback_local.api import Access, quoted
from hearback_local.place import FleetPlace
from hearback_local.running import FleetError, slugs_of


def find_submission(place: FleetPlace, event_id: str, project: str | None) -> dict[str, Any]:
    """The submission and its project; looks into every known project unless one is named.

    Raises:
        FleetError: Nothing is known of it, or of the project.
    """
    access = Access(place)
    wanted = event_id.replace("-", "").lower()
    projects = access.projects()
    if project is not None:
        organization, slug = slugs_of(project)
        if access.api(organization).find(f"/api/0/projects/{quoted(organization)}/{quoted(slug)}/") is None:
            raise FleetError(f"there is no project {project}")
        projects = [(organization, slug)]
    for organization, slug in projects:
        path = f"/api/0/projects/{quoted(organization)}/{quoted(slug)}/submissions/{quoted(wanted)}/"
        found = access.api(organization).find(path)
        if found is not None:
            return {**found, "organization": organization, "project": slug}
    searched = ", ".join(f"{organization}/{slug}" for organization, slug in projects)
    raise FleetError(f"no submission {event_id} is known in {searched}")


def in_words(submission: dict[str, Any]) -> str:
    """The fate as lines to read, the steps in the order of time."""
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
    return "\n".join(lines)


def _reason(code: str) -> str:
    explanation = next((text for reason, text in EXPLANATIONS.items() if reason.value == code), None)
    return f"{code} — {explanation}" if explanation else code
