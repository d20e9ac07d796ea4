"""Feedback and attachments as JSON, in Sentry's shapes (protocol: feedback#lists-and-triage)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from hearback_contracts.config import MemberRef, OrganizationConfig, ProjectConfig
from hearback_kit.values.times import wire_time

from feedback.domain.activity import ASSIGNED, STATUS, Activity
from feedback.domain.feedback import Feedback, FeedbackDetail
from feedback.domain.files import media_type
from feedback.domain.occurrence import CULPRIT, GROUP_TYPE_ID, ISSUE_TYPE, PRIORITY, display_of, metadata_of
from feedback.domain.payload import mapping, text
from feedback.domain.titles import PREFIX
from feedback.store.attachments import Attachment

_USER_FIELDS = ("id", "email", "username", "name", "ip_address")


@dataclass(frozen=True, slots=True)
class SerializerContext:
    """What serializing feedback needs besides the rows."""

    organization: OrganizationConfig
    projects: dict[int, ProjectConfig]
    public_url: str
    with_attachments: Collection[int] = ()

    def project_slug(self, project_id: int) -> str:
        """Return a project's slug, or its id if it is unknown."""
        project = self.projects.get(project_id)
        return project.slug if project else str(project_id)

    def email_of(self, member_id: int | None) -> str | None:
        """Return a member's e-mail address, None for an unknown member."""
        member = self.organization.member(member_id)
        return member.email if member else None


def group(row: Feedback, context: SerializerContext) -> dict[str, Any]:
    """Return a feedback in the shape of a group."""
    project, slug = context.projects.get(row.project_id), context.project_slug(row.project_id)
    inbox = f"{context.public_url.rstrip('/')}/organizations/{context.organization.slug}/feedback/"
    return {
        "id": str(row.id),
        "shareId": None,
        "shortId": row.short_id,
        "title": PREFIX + row.title,
        "culprit": CULPRIT,
        "permalink": f"{inbox}?feedbackSlug={slug}%3A{row.id}",
        "logger": None,
        "level": row.level,
        "status": row.status,
        "statusDetails": row.status_details,
        "substatus": row.substatus,
        "isPublic": False,
        "platform": row.platform,
        "project": {
            "id": str(row.project_id),
            "name": project.name if project else slug,
            "slug": slug,
            "platform": project.platform if project else None,
        },
        "type": "generic",
        "metadata": metadata_of(row.evidence),
        "numComments": 0,
        "assignedTo": assignee(context.organization.member(row.assigned_to)),
        "isBookmarked": False,
        "isSubscribed": False,
        "subscriptionDetails": None,
        "hasSeen": row.has_seen,
        "annotations": [],
        "issueType": ISSUE_TYPE,
        "issueCategory": ISSUE_TYPE,
        "issueTypeId": str(GROUP_TYPE_ID),
        "priority": row.priority,
        "priorityLockedAt": None,
        "isUnhandled": False,
        "count": "1",
        "userCount": 1 if row.user_id or row.user_email else 0,
        "firstSeen": wire_time(row.first_seen),
        "lastSeen": wire_time(row.first_seen),
        "dateReceived": wire_time(row.received_at),
        "environment": row.environment,
        "errorOccurredAt": wire_time(row.error_occurred_at) if row.error_occurred_at else None,
        "latestEventHasAttachments": row.id in context.with_attachments,
    }


def short_id(row: Feedback, context: SerializerContext) -> dict[str, Any]:
    """Return what a short id leads to."""
    found = group(row, context)
    return {
        "organizationSlug": context.organization.slug,
        "projectSlug": found["project"]["slug"],
        "groupId": found["id"],
        "group": found,
        "shortId": row.short_id,
    }


def assignee(member: MemberRef | None) -> dict[str, Any] | None:
    """Return a member as `assignedTo`; None when the issue is unassigned."""
    if member is None:
        return None
    return {"type": "user", "id": str(member.id), "name": member.name or member.email, "email": member.email}


def detail(row: FeedbackDetail, context: SerializerContext, changes: Sequence[Activity] = ()) -> dict[str, Any]:
    """Return a group with what only its own page shows; `changes` are newest first."""
    return group(row, context) | {
        "tags": [tag_summary(row, key, value) for key, value in row.event_tags],
        "activity": [*(_activity(change, context) for change in changes), _first_seen(row)],
        "seenBy": [],
        "participants": [],
        "pluginActions": [],
        "pluginIssues": [],
        "pluginContexts": [],
        "userReportCount": 0,
        "stats": {},
        "firstRelease": release_of(row.release),
        "lastRelease": release_of(row.release),
    }


def _activity(change: Activity, context: SerializerContext) -> dict[str, Any]:
    """Return a change in the shape of Sentry's activity."""
    kind, data = f"set_{change.kind}", dict(change.after)
    if change.kind == STATUS:
        kind = f"set_{change.after['status']}"
        data = {"substatus": change.after.get("substatus")}
    elif change.kind == ASSIGNED:
        member = context.organization.member(change.after["assigned_to"])
        kind = "unassigned" if change.after["assigned_to"] is None else "assigned"
        known = {"assigneeType": "user"}
        data = known | {"assignee": str(member.id), "assigneeEmail": member.email} if member else {}
    actor = next((m for m in context.organization.members if m.email == change.actor), None)
    return {
        "id": str(change.id),
        "type": kind,
        "user": assignee(actor),
        "data": data,
        "dateCreated": wire_time(change.at),
    }


def _first_seen(row: Feedback) -> dict[str, Any]:
    return {
        "id": "0",
        "type": "first_seen",
        "user": None,
        "data": {"priority": row.priority},
        "dateCreated": wire_time(row.first_seen),
    }


def tag_value(row: Feedback, key: str, value: str) -> dict[str, Any]:
    """Return a tag's value as the issue's tag lists show it."""
    seen = wire_time(row.first_seen)
    return {"key": key, "name": value, "value": value, "count": 1, "firstSeen": seen, "lastSeen": seen}


def tag_summary(row: Feedback, key: str, value: str) -> dict[str, Any]:
    """Return a tag as the issue's tag list shows it; there is one event, so one value."""
    return {
        "key": key,
        "name": key,
        "totalValues": 1,
        "uniqueValues": 1,
        "topValues": [tag_value(row, key, value)],
    }


def release_of(version: str | None) -> dict[str, Any] | None:
    """Return a release as an object; None without one."""
    return {"version": version, "shortVersion": version} if version else None


def occurrence(row: FeedbackDetail) -> dict[str, Any]:
    return {
        "id": row.occurrence_id,
        "projectId": row.project_id,
        "eventId": row.event_id,
        "fingerprint": [row.fingerprint],
        "issueTitle": PREFIX + row.title,
        "subtitle": row.message,
        "resourceId": None,
        "evidenceData": row.evidence,
        "evidenceDisplay": display_of(row.evidence),
        "type": GROUP_TYPE_ID,
        "detectionTime": row.first_seen.timestamp(),
        "level": row.level,
        "culprit": CULPRIT,
        "priority": PRIORITY,
        "assignee": None,
    }


def event(row: FeedbackDetail, context: SerializerContext) -> dict[str, Any]:
    """Return the feedback's event; where clients expect an object or a text, nothing else is sent."""
    stored = row.event
    request = mapping(stored.get("request"))
    additional = dict(mapping(stored.get("additional")))
    contexts = mapping(stored.get("contexts"))
    return {
        "id": row.event_id,
        "eventID": row.event_id,
        "groupID": str(row.id),
        "projectID": str(row.project_id),
        "projectSlug": context.project_slug(row.project_id),
        "title": PREFIX + row.title,
        "message": row.message,
        "location": None,
        "culprit": CULPRIT,
        "type": "generic",
        "metadata": metadata_of(row.evidence),
        "platform": row.platform,
        "level": row.level,
        "environment": row.environment,
        "release": release_of(row.release),
        "dist": row.dist,
        "dateCreated": wire_time(row.first_seen),
        "dateReceived": wire_time(row.received_at),
        "user": user(mapping(stored.get("user"))),
        "contexts": {name: value for name, value in contexts.items() if isinstance(value, dict)},
        "sdk": _sdk(mapping(stored.get("sdk"))),
        "request": request,
        "tags": [{"key": key, "value": value} for key, value in row.event_tags],
        "entries": _entries(row, request, additional.pop("breadcrumbs", None)),
        "context": _as_object(additional.pop("extra", None)),
        "packages": _as_object(additional.pop("modules", None)),
        "additional": additional,
        "errors": [],
        "fingerprints": [row.fingerprint],
        "occurrence": occurrence(row),
        "nextEventID": None,
        "previousEventID": None,
        "size": 0,
    }


def user(stored: dict[str, Any]) -> dict[str, Any] | None:
    """Return a user whose known fields are texts or null; others stay as sent, also in `data`."""
    fields = {name: text(stored.get(name)) or None for name in _USER_FIELDS}
    geo = {name: text(value) for name, value in mapping(stored.get("geo")).items()}
    others = {name: value for name, value in stored.items() if name not in {*_USER_FIELDS, "geo", "data"}}
    data = {**mapping(stored.get("data")), **others}
    if not (any(fields.values()) or geo or data):
        return None
    return {**others, **fields, "geo": geo or None, "data": data or None}


def _sdk(stored: dict[str, Any]) -> dict[str, Any] | None:
    if not stored:
        return None
    return {**stored, "name": text(stored.get("name")), "version": text(stored.get("version"))}


def _as_object(value: Any) -> dict[str, Any]:
    """Return an object as it is, nothing as an empty one, and anything else as the value of `value`."""
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"value": value}


def _entries(row: Feedback, request: dict[str, Any], breadcrumbs: Any) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [{"type": "message", "data": {"formatted": row.message}}]
    values = breadcrumbs.get("values") if isinstance(breadcrumbs, dict) else breadcrumbs
    if isinstance(values, list) and values:
        entries.append({"type": "breadcrumbs", "data": {"values": values}})
    if request:
        entries.append({"type": "request", "data": request})
    return entries


def attachment(row: Attachment) -> dict[str, Any]:
    """Return an attachment's record."""
    kind = media_type(row.content_type)
    return {
        "id": str(row.id),
        "event_id": row.event_id,
        "type": row.attachment_type,
        "name": row.name,
        "mimetype": kind,
        "dateCreated": wire_time(row.received_at),
        "size": row.size,
        "headers": {"Content-Type": kind},
        "sha1": row.sha1,
    }
