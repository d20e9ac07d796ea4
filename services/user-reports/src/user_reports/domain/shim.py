"""A linked report as a feedback event (protocol: user-reports#the-shim, differences)."""

from typing import Any

from user_reports.domain.model import IndexedEvent, Report


def feedback_event(report: Report, feedback_id: str, event: IndexedEvent | None) -> dict[str, Any]:
    """Return the feedback event's JSON under the id `feedback_id`.

    Its timestamp is the submission's, in Unix seconds. Without the event (there is none, or it expired before the
    report was replaced) it has only the report's own fields.
    """
    user = (event.user if event else report.event_user) or {}
    feedback: dict[str, Any] = {
        "message": report.comments,
        "name": report.name or user.get("name") or user.get("username") or "",
        "contact_email": report.email or user.get("email") or "",
    }
    if report.is_about_event:
        feedback["associated_event_id"] = report.named_event_id
    contexts: dict[str, Any] = {"feedback": feedback}
    payload: dict[str, Any] = {
        "type": "feedback",
        "event_id": feedback_id,
        "timestamp": report.submitted_at.timestamp(),
        "contexts": contexts,
    }
    if event is None:
        _set(payload, environment=report.environment)
        return payload
    if event.replay_id:
        feedback["replay_id"] = event.replay_id
        contexts["replay"] = {"replay_id": event.replay_id}
    if event.trace:
        contexts["trace"] = event.trace
    if event.url:
        payload["request"] = {"url": event.url}
    _set(payload, platform=event.platform, level=event.level, environment=event.environment)
    payload["tags"] = tags_of(event)
    return payload


def tags_of(event: IndexedEvent) -> dict[str, str]:
    """Return an event's tags, including those derived from its fields."""
    tags = dict(event.tags)
    fields = {"environment": event.environment, "level": event.level, "release": event.release}
    for name, value in fields.items():
        if value:
            tags.setdefault(name, value)
    return tags


def _set(payload: dict[str, Any], **values: str | None) -> None:
    payload.update({name: value for name, value in values.items() if value})
