"""The body of a triage request on an error group: what it may change, and what it may say beside that."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from hearback_contracts.issues import ASKS_FOR_NOTHING, STATUS_CONDITIONS, STATUSES, STATUSES_BY_NAME
from hearback_kit.errors import BadRequest

from user_reports.api.serializers import PRIORITY, SUBSTATUSES
from user_reports.service.triage_groups import GroupChanges

_BOOLEAN: Final = {"type": ["boolean", "null"]}
CHANGES_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "status": {"type": ["string", "null"], "enum": [*STATUSES, None]},
        "hasSeen": _BOOLEAN,
        "isSubscribed": {**_BOOLEAN, "description": "Whether the caller follows the group."},
    },
}


def read_changes(body: Any) -> GroupChanges:
    """Return what a body changes; raise BadRequest that names each field that cannot be changed like that.

    Fields that clients send with every request are taken as long as they ask for nothing, as with feedback.
    """
    if not isinstance(body, dict):
        raise BadRequest("Expected a JSON object.", code="invalid")
    errors = {name: problem for name, value in body.items() if (problem := _problem(name, value, body))}
    if errors:
        detail = "; ".join(f"{name[:100]}: {problem}" for name, problem in errors.items())[:1_000]
        fields = {name[:100]: [problem] for name, problem in errors.items()}
        raise BadRequest(detail, code="invalid_fields", body={"detail": detail, "code": "invalid_fields"} | fields)
    status = body.get("status")
    return GroupChanges(
        status=None if status is None else STATUSES_BY_NAME[status],
        has_seen=body.get("hasSeen"),
        is_followed=body.get("isSubscribed"),
    )


def _problem(name: str, value: Any, body: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a field, or None."""
    if value is None and name in _KNOWN:
        return None
    if name in _CHANGEABLE:
        return None if _CHANGEABLE[name](value) else f"{orjson.dumps(value).decode()[:100]} is not a valid choice."
    is_taken = name in _UNCHANGED and _UNCHANGED[name](value, body)
    return None if is_taken else "This field of an error group cannot be changed."


def _is_of_status(substatus: Any, body: Mapping[str, Any]) -> bool:
    status = body.get("status")
    return isinstance(status, str) and substatus == SUBSTATUSES.get(STATUSES_BY_NAME.get(status, ""))


_CHANGEABLE: Final[Mapping[str, Callable[[Any], bool]]] = {
    "status": lambda value: isinstance(value, str) and value in STATUSES_BY_NAME,
    "hasSeen": lambda value: isinstance(value, bool),
    "isSubscribed": lambda value: isinstance(value, bool),
}
# Fields of Sentry that a group has no use for, and whether a value of them leaves the group as it is.
_UNCHANGED: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], bool]]] = {
    **dict.fromkeys((*ASKS_FOR_NOTHING, *STATUS_CONDITIONS), lambda value, _: not value),
    "assignedTo": lambda value, _: value == "",
    "priority": lambda value, _: value == PRIORITY,
    "statusDetails": lambda value, _: isinstance(value, dict) and not any(value.values()),
    "substatus": _is_of_status,
}
_KNOWN: Final = frozenset({*_CHANGEABLE, *_UNCHANGED})
