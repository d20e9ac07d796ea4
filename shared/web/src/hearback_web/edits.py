"""What a form changes. Two people may have the same form open, and each saves only what they changed.

A form carries a fingerprint of each value that it showed (the macro `shown`). A field whose value is still the one
that was shown keeps what is stored. A field that was changed to something else meanwhile is a conflict: the form
is shown again with the person's value, and saving it once more replaces the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any, Final

from hearback_web.forms import Form
from hearback_web.texts import gettext as _

SHOWN_FIELD: Final = "shown"
_FINGERPRINT_BYTES: Final = 6
_TEXT_LENGTH_MAX: Final = 300  # of a value in a sentence

Values = Mapping[str, Any]  # texts and booleans by field


@dataclass(frozen=True, slots=True)
class Edit:
    """`values` are the `changed` fields over what is stored; `conflicts` are sentences by field."""

    values: Values
    changed: frozenset[str]
    conflicts: Mapping[str, str]


def read_edit(
    form: Form, given: Values, stored: Values, labels: Mapping[str, Mapping[str, str]] | None = None
) -> Edit:
    """Return what a form changes, of the values `given` in it and those `stored` now.

    `labels` are those of the options of fields, by field. A form without fingerprints changes every field.
    """
    shown = dict(word.rpartition("=")[::2] for word in form.get(SHOWN_FIELD, "").split())
    changed: set[str] = set()
    conflicts: dict[str, str] = {}
    for name, value in given.items():
        own, now = _fingerprint(value), _fingerprint(stored.get(name, value))
        if shown.get(name) == own:
            continue
        changed.add(name)
        if shown.get(name, now) != now != own:
            text = str(stored[name])
            conflicts[name] = _conflict((labels or {}).get(name, {}).get(text, text))
    return Edit({**given, **stored, **{name: given[name] for name in changed}}, frozenset(changed), conflicts)


def fingerprints(values: Values) -> str:
    """Return the field of a form with what it shows."""
    return " ".join(f"{name}={_fingerprint(value)}" for name, value in values.items())


def _fingerprint(value: Any) -> str:
    """Return a short digest of a text or boolean; browsers change line ends, and forms are read stripped."""
    text = "\n".join(line.strip() for line in str(value).strip().splitlines())
    return blake2s(text.encode(), digest_size=_FINGERPRINT_BYTES).hexdigest()


def _conflict(text: str) -> str:
    if not text:
        return _("This was emptied meanwhile. Save again to replace it with yours.")
    line = ", ".join(text.split("\n"))
    short = line if len(line) <= _TEXT_LENGTH_MAX else f"{line[: _TEXT_LENGTH_MAX - 1]}…"
    return _("This was changed meanwhile, to “{}”. Save again to replace it with yours.").format(short)
