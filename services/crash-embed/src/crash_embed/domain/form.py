"""The form's rules and messages (protocol: dialog#the-form)."""

from collections.abc import Mapping
from dataclasses import dataclass

from hearback_kit.values.emails import is_email
from hearback_kit.values.nul import NUL, without_nul
from hearback_kit.values.visible import visible

from crash_embed.domain.appearance import Appearance, Requirement

NAME_CHARACTERS_MAX = 128
EMAIL_CHARACTERS_MAX = 75
COMMENTS_CHARACTERS_MAX = 4096
REQUIRED_MESSAGE = "This field is required."
EMAIL_MESSAGE = "Enter a valid email address."
NUL_MESSAGE = "Null characters are not allowed."
HONEYPOT_FIELD = "homepage"
ELAPSED_FIELD = "elapsed"

Errors = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Form:
    """A valid form with stripped fields; hidden fields are empty."""

    name: str
    email: str
    comments: str
    marks: tuple[str, ...] = ()


def check_form(given: Mapping[str, str], appearance: Appearance, fill_ms_min: int) -> Form | Errors:
    """Return the validated form, or error messages by field."""
    errors: Errors = {
        without_nul(name)[:NAME_CHARACTERS_MAX]: [NUL_MESSAGE]
        for name, value in given.items()
        if NUL in name or NUL in value
    }
    name = _field(given, "name", NAME_CHARACTERS_MAX, appearance.name, errors)
    email = _field(given, "email", EMAIL_CHARACTERS_MAX, appearance.email, errors)
    comments = _field(given, "comments", COMMENTS_CHARACTERS_MAX, Requirement.REQUIRED, errors)
    return errors or Form(name, email, comments, find_marks(given, fill_ms_min))


def _field(
    given: Mapping[str, str], field: str, characters_max: int, requirement: Requirement, errors: Errors
) -> str:
    if requirement is Requirement.HIDDEN:
        return ""
    value = visible(given.get(field, ""))
    if not value:
        if requirement is Requirement.REQUIRED:
            errors.setdefault(field, [REQUIRED_MESSAGE])
        return ""
    messages = []
    if field == "email" and not is_email(value):
        messages.append(EMAIL_MESSAGE)
    if len(value) > characters_max:
        messages.append(f"Ensure this value has at most {characters_max} characters (it has {len(value)}).")
    if NUL in value:
        messages.append(NUL_MESSAGE)
    if messages:
        errors[field] = messages
    return value


def find_marks(given: Mapping[str, str], fill_ms_min: int) -> tuple[str, ...]:
    """Return signs of a bot, which the spam judge weighs; they refuse nothing."""
    marks = []
    if given.get(HONEYPOT_FIELD):
        marks.append("honeypot")
    elapsed = given.get(ELAPSED_FIELD, "")
    if elapsed.isascii() and elapsed.isdigit() and len(elapsed) < 16 and int(elapsed) < fill_ms_min:
        marks.append("too_fast")
    return tuple(marks)
