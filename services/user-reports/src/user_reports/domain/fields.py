"""The fields of a report posted over HTTP, with messages as API clients know them.

(protocol: user-reports#the-legacy-endpoint)
"""

from collections.abc import Mapping
from typing import Any, Final

from hearback_contracts.identifiers import parse_event_id
from hearback_kit.values.emails import is_email
from hearback_kit.values.visible import visible

from user_reports.domain.content import COMMENTS_LENGTH_MAX, EMAIL_LENGTH_MAX, NAME_LENGTH_MAX

EVENT_ID_LENGTH_MAX: Final = 32
REQUIRED: Final = "This field is required."
BLANK: Final = "This field may not be blank."
NULL: Final = "This field may not be null."
NOT_TEXT: Final = "Not a valid string."
NOT_ADDRESS: Final = "Enter a valid email address."
_LENGTHS: Final = {
    "name": NAME_LENGTH_MAX,
    "email": EMAIL_LENGTH_MAX,
    "comments": COMMENTS_LENGTH_MAX,
    "event_id": EVENT_ID_LENGTH_MAX,
}


def read_fields(body: object) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the stripped fields of a body, and error messages by field."""
    if not isinstance(body, Mapping):
        kind = {list: "list", str: "str", bool: "bool", int: "int", float: "float"}.get(type(body), "NoneType")
        return {}, {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]}
    fields: dict[str, str] = {}
    errors: dict[str, list[str]] = {}
    for name in _LENGTHS:
        text, problems = _read(name, body)
        fields[name] = text
        if problems:
            errors[name] = problems
    return fields, errors


def _read(name: str, body: Mapping[str, Any]) -> tuple[str, list[str]]:
    value = body.get(name)
    if name == "comments" and (value is None or value == ""):
        return "", []
    if name not in body:
        return "", [REQUIRED]
    if value is None:
        return "", [NULL]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return "", [NOT_TEXT]
    text = visible(str(value))
    if not text and name != "comments":
        return "", [BLANK]
    problems = []
    if len(text) > _LENGTHS[name] and not (name == "event_id" and parse_event_id(text)):
        problems.append(f"Ensure this field has no more than {_LENGTHS[name]} characters.")
    if name == "email" and not is_email(text):
        problems.append(NOT_ADDRESS)
    return text, problems
