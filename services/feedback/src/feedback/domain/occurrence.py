"""The occurrence of a feedback: evidence, display rows and metadata (protocol: feedback#the-occurrence)."""

from collections.abc import Sequence
from typing import Any

from feedback.domain.context import FeedbackContext
from feedback.domain.spam import SpamVerdict
from feedback.domain.statuses import MEDIUM, PRIORITIES
from feedback.domain.titles import PREFIX

GROUP_TYPE_ID = 6001
ISSUE_TYPE = "feedback"
CULPRIT = "user"
PRIORITY = PRIORITIES[MEDIUM]
_SHOWN = ("associated_event_id", "contact_email", "message", "name")


def evidence_of(
    context: FeedbackContext,
    *,
    source: str,
    summary: str,
    verdict: SpamVerdict,
    marks: Sequence[str] = (),
    repeats: str | None = None,
) -> dict[str, Any]:
    """Return `evidenceData` without empty values.

    Four keys are Hearback's own: `marks`, signs that the sender's form detected, such as `honeypot`;
    `spam_signs`, the spam rules that fired, whether or not they sufficed; `spam_reasons`, the features behind the
    verdict; `repeats`, the submission under whose id it was sent.
    """
    evidence: dict[str, Any] = {}
    if context.associated_event_id:
        evidence["associated_event_id"] = context.associated_event_id
    if context.contact_email:
        evidence["contact_email"] = context.contact_email
    evidence["message"] = context.message
    if context.name:
        evidence["name"] = context.name
    evidence["source"] = source
    evidence["is_spam"] = verdict.is_spam
    evidence["spam_detection_enabled"] = verdict.detection_enabled
    evidence["summary"] = summary
    if marks:
        evidence["marks"] = list(marks)
    if verdict.signs:
        evidence["spam_signs"] = list(verdict.signs)
    if verdict.reasons:
        evidence["spam_reasons"] = list(verdict.reasons)
    if repeats:
        evidence["repeats"] = repeats
    return evidence


def display_of(evidence: dict[str, Any]) -> list[dict[str, Any]]:
    """Return `evidenceDisplay`: the rows shown to people."""
    rows = [
        {"name": name, "value": evidence[name], "important": name == "message"}
        for name in _SHOWN
        if evidence.get(name)
    ]
    enabled = bool(evidence.get("spam_detection_enabled"))
    if enabled:
        is_spam = evidence.get("is_spam")
        value = "error" if is_spam is None else str(is_spam)
        rows.append({"name": "is_spam", "value": value, "important": False})
    rows.append({"name": "spam_detection_enabled", "value": str(enabled), "important": False})
    return rows


def metadata_of(evidence: dict[str, Any]) -> dict[str, Any]:
    """Return the issue's `metadata`, as lists and details show it."""
    message = evidence.get("message", "")
    summary = evidence.get("summary", "")
    metadata = {
        "title": PREFIX + summary,
        "value": message,
        "message": message,
        "name": evidence.get("name"),
        "contact_email": evidence.get("contact_email"),
        "source": evidence.get("source"),
        "summary": summary,
        "initial_priority": PRIORITY,
    }
    if evidence.get("associated_event_id"):
        metadata["associated_event_id"] = evidence["associated_event_id"]
    return metadata
