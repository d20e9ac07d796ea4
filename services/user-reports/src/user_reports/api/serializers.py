"""The JSON of reports, groups and events, shaped like Sentry's (protocol: user-reports#report-json)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from hearback_contracts.config import OrganizationConfig, ProjectConfig, ProjectRef
from hearback_kit.values.times import wire_time

from user_reports.domain.model import IndexedEvent, Report
from user_reports.domain.shim import tags_of
from user_reports.domain.short_ids import short_id
from user_reports.domain.tag_counts import TagValue
from user_reports.service.app_state import AppState
from user_reports.store.groups import Group

PRIORITY: Final = "medium"
SUBSTATUSES: Final = {"unresolved": "ongoing", "ignored": "archived_forever"}


def _time(at: datetime) -> str:
    return wire_time(at, "auto")


def report_json(report: Report, now: datetime) -> dict[str, Any]:
    """Return a report without its issue; `age` is how many seconds a waiting one has waited."""
    user = report.event_user
    name = report.name or report.email or (user or {}).get("name") or None
    return {
        "id": str(report.id),
        "eventID": report.named_event_id,
        "name": name,
        "email": report.email or (user or {}).get("email") or None,
        "comments": report.comments,
        "dateCreated": _time(report.date_added),
        "user": _report_user(user),
        "event": {"id": report.named_event_id, "eventID": report.named_event_id},
        "environment": report.environment,
        "linked": report.group_id is not None,
        "age": max(0, int((now - report.date_added).total_seconds())) if report.is_waiting else None,
    }


def _report_user(user: Mapping[str, str] | None) -> dict[str, Any] | None:
    if not user:
        return None
    return {
        "id": user.get("id") or "",
        "username": user.get("username"),
        "email": user.get("email"),
        "name": user.get("name") or user.get("email") or user.get("username"),
        "ipAddress": user.get("ip_address"),
        "avatarUrl": "",
    }


def project_json(project: ProjectConfig | ProjectRef) -> dict[str, Any]:
    """Return a project as groups name it."""
    return {
        "id": str(project.id),
        "name": getattr(project, "name", project.slug),
        "slug": project.slug,
        "platform": getattr(project, "platform", None),
    }


def group_json(
    group: Group, organization: OrganizationConfig, public_url: str, *, is_followed: bool = False
) -> dict[str, Any]:
    """Return an error group; `is_followed` is whether the caller follows it."""
    project = organization.find_project(str(group.project_id))
    slug = organization.project_slug(group.project_id)
    return {
        "id": str(group.id),
        "shareId": None,
        "shortId": short_id(slug, group.id),
        "title": group.title,
        "culprit": group.culprit,
        "permalink": f"{public_url}/organizations/{organization.slug}/issues/{group.id}/",
        "logger": group.logger,
        "level": group.level,
        "status": group.status,
        "statusDetails": {},
        "substatus": SUBSTATUSES.get(group.status),
        "isPublic": False,
        "platform": group.platform,
        "project": project_json(project) if project else {"id": slug, "name": slug, "slug": slug},
        "type": "error" if "type" in group.metadata else "default",
        "issueType": "error",
        "issueCategory": "error",
        "metadata": group.metadata,
        "numComments": 0,
        "assignedTo": None,
        "isBookmarked": False,
        "isSubscribed": is_followed,
        "hasSeen": group.has_seen,
        "annotations": [],
        "priority": PRIORITY,
        "count": str(group.times_seen),
        "userCount": 0,
        "firstSeen": _time(group.first_seen),
        "lastSeen": _time(group.last_seen),
    }


def event_json(event: IndexedEvent, organization_slug: str) -> dict[str, Any]:
    """Return an indexed event; `feedbackUrl` lists the feedback linked to it."""
    tags = tags_of(event)
    message = [{"type": "message", "data": {"formatted": event.message}}] if event.message else []
    query = quote(f"issue.category:feedback associated_event_id:{event.event_id}")
    contexts: dict[str, Any] = {}
    if event.trace:
        contexts["trace"] = event.trace
    if event.replay_id:
        contexts["replay"] = {"replay_id": event.replay_id}
    return {
        "id": event.event_id,
        "eventID": event.event_id,
        "groupID": str(event.group_id),
        "projectID": str(event.project_id),
        "title": event.title,
        "culprit": event.culprit,
        "message": event.message or "",
        "location": event.url,
        "type": "error",
        "event.type": "error",
        "entries": message,
        "errors": [],
        "metadata": {"title": event.title},
        "platform": event.platform,
        "level": event.level,
        "environment": event.environment,
        "release": {"version": event.release} if event.release else None,
        "dist": event.dist,
        "transaction": event.transaction,
        "user": event.user,
        "tags": [{"key": key, "value": value} for key, value in sorted(tags.items())],
        "contexts": contexts,
        "replayId": event.replay_id,
        "sdk": _sdk(event.sdk),
        "dateCreated": _time(event.timestamp),
        "dateReceived": _time(event.received_at),
        "feedbackUrl": f"/api/0/organizations/{organization_slug}/issues/?query={query}",
    }


def group_reference(group: Group, organization: OrganizationConfig) -> dict[str, Any]:
    """Return the part of a look-up's answer that identifies the group."""
    slug = organization.project_slug(group.project_id)
    return {
        "organizationSlug": organization.slug,
        "projectSlug": slug,
        "groupId": str(group.id),
        "shortId": short_id(slug, group.id),
    }


def tag_json(key: str, values: Sequence[TagValue], values_max: int | None = None) -> dict[str, Any]:
    """Return a tag of a group with its most frequent values."""
    return {
        "key": key,
        "name": key.replace("_", " ").replace(".", " ").title(),
        "totalValues": sum(value.count for value in values),
        "uniqueValues": len(values),
        "topValues": [
            {
                "key": key,
                "name": value.value,
                "value": value.value,
                "count": value.count,
                "firstSeen": _time(value.first_seen),
                "lastSeen": _time(value.last_seen),
            }
            for value in values[:values_max]
        ],
    }


def _sdk(sdk: str | None) -> dict[str, str] | None:
    if not sdk:
        return None
    name, _, version = sdk.partition("/")
    return {"name": name, "version": version}


def reports_json(
    state: AppState, reports: Sequence[Report], groups: Mapping[int, Group], organization: OrganizationConfig
) -> list[dict[str, Any]]:
    """Return reports with the group each belongs to; null while a report waits."""
    now, url = state.clock.now(), state.settings.public_url
    shapes = {group.id: group_json(group, organization, url) for group in groups.values()}
    return [
        report_json(report, now) | {"issue": shapes.get(report.group_id) if report.group_id else None}
        for report in reports
    ]


Cell = Callable[[Report, Group | None, str], Any]
EXPORTED: Final[Mapping[str, Cell]] = {
    "id": lambda report, _group, _project: report.id,
    "eventID": lambda report, _group, _project: report.named_event_id,
    "dateCreated": lambda report, _group, _project: _time(report.date_added),
    "name": lambda report, _group, _project: report.name,
    "email": lambda report, _group, _project: report.email,
    "comments": lambda report, _group, _project: report.comments,
    "environment": lambda report, _group, _project: report.environment or "",
    "linked": lambda report, _group, _project: "true" if report.group_id else "false",
    "project": lambda _report, _group, project: project,
    "issueID": lambda _report, group, _project: group.id if group else "",
    "issueTitle": lambda _report, group, _project: group.title if group else "",
    "issueStatus": lambda _report, group, _project: group.status if group else "",
}
"""The columns of the CSV export: what each shows of a report, its group and its project's slug."""


def export_row(report: Report, groups: Mapping[int, Group], organization: OrganizationConfig) -> Sequence[Any]:
    """Return a report as a row of the CSV export."""
    group = groups.get(report.group_id) if report.group_id else None
    project = organization.project_slug(report.project_id)
    return [read(report, group, project) for read in EXPORTED.values()]
