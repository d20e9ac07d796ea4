"""Leave out of a row's evidence and event what its columns hold, and put it back where rows are read.

Each field that is left out has a column which says whether and how it was there, so that nothing is lost:
`evidence_of` and `normalise` put these fields into every evidence and event, or where the column is not null. Only
the URL of the page may be that of one place or of two, see `WITHOUT_URL`.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from hearback_kit.values.times import wire_time

from feedback.domain.drafts import Draft
from feedback.domain.feedback import Feedback, FeedbackDetail

Json = dict[str, Any]
Row = TypeVar("Row", bound=Feedback)

WITHOUT_URL: Final = "without_url"
"""The part of a compact event that has no URL. The column's is that of `contexts.feedback` or of the request."""

# Fields of evidence, and their columns.
_EVIDENCE: Final = {
    name: name for name in ("associated_event_id", "contact_email", "message", "name", "source")
} | {"summary": "title"}
_SHORTENED: Final = ("platform", "level", "dist")  # in their columns, if they are very long
_SAID: Final = {name: name for name in ("message", "name", "contact_email", "url")}
_USER: Final = {"id": "user_id", "email": "user_email", "username": "user_name"}
_REQUEST: Final = {"url": "url"}
_SDK: Final = {"name": "sdk_name"}
_PARTS: Final = (("user", _USER), ("request", _REQUEST), ("sdk", _SDK))


def compact(draft: Draft) -> tuple[Json, Json]:
    """Return the evidence and the event of a draft without what its columns hold."""
    kept: Json = {}
    row, event = vars(draft), draft.event
    contexts = event["contexts"]
    said = contexts["feedback"]
    if others := _others(said, row, _SAID):
        kept["contexts"] = {**contexts, "feedback": others}
    elif len(contexts) > 1:
        kept["contexts"] = {name: value for name, value in contexts.items() if name != "feedback"}
    if row["url"] is not None and not ("url" in said and "url" in event["request"]):
        kept[WITHOUT_URL] = "request" if "url" in said else "feedback"
    for part, columns in _PARTS:
        if part in event and (others := _others(event[part], row, columns)):
            kept[part] = others
    for name in _SHORTENED:
        if name in event and event[name] != row[name]:
            kept[name] = event[name]
    if "additional" in event:
        kept["additional"] = event["additional"]
    return {name: value for name, value in draft.evidence.items() if name not in _EVIDENCE}, kept


def _others(part: Json, row: Json, columns: Mapping[str, str]) -> Json:
    """Return the fields of a part that are not in columns."""
    return {
        name: value
        for name, value in part.items()
        if (column := columns.get(name)) is None or value is None or value != row[column]
    }


def whole(row: Row) -> Row:
    """Put back what was left out of the evidence and event of a row that was read; return the row."""
    if "message" not in row.evidence:
        row.evidence = _with(row.evidence, row, _EVIDENCE)
    if isinstance(row, FeedbackDetail) and "event_id" not in row.event:
        row.event = _whole_event(row)
    return row


def _whole_event(row: FeedbackDetail) -> Json:
    """Return a compact event with what was left out of it, in the order in which PostgreSQL keeps it."""
    event = dict(row.event)
    without_url = event.pop(WITHOUT_URL, None)
    contexts = event.get("contexts", {})
    said = {name: column for name, column in _SAID.items() if name != "url" or without_url != "feedback"}
    event["contexts"] = _ordered(contexts | {"feedback": _with(contexts.get("feedback", {}), row, said)})
    for part, columns in _PARTS:
        held = {} if part == without_url else columns
        fields = _with(event.get(part, {}), row, held)
        if fields or part != "sdk":
            event[part] = fields
    event |= {
        "event_id": row.event_id,
        "project_id": row.project_id,
        "timestamp": wire_time(row.first_seen),
        "received": wire_time(row.received_at),
        "environment": row.environment,
        "tags": row.tags,
        "logentry": {"message": row.message},
    }
    if row.release is not None:
        event["release"] = row.release
    return _with(event, row, {name: name for name in _SHORTENED})


def _with(part: Json, row: Feedback, columns: Mapping[str, str]) -> Json:
    """Return a part with the fields that it lacks and columns hold."""
    held = {name: value for name, column in columns.items() if (value := getattr(row, column)) is not None}
    return _ordered(held | part)


def _ordered(part: Json) -> Json:
    """Return an object in the order of `jsonb`: shorter names first."""
    return {name: part[name] for name in sorted(part, key=_place)}


def _place(name: str) -> tuple[int, bytes]:
    raw = name.encode()
    return len(raw), raw
