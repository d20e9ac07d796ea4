"""Title, culprit and metadata of an error, as Sentry's clients expect them."""

from typing import Any, Final

from hearback_contracts.events import ErrorEventReceived, Frame

from user_reports.domain.grouping import UNLABELED

TITLE_LENGTH_MAX: Final = 256
VALUE_LENGTH_MAX: Final = 1_024
CULPRIT_LENGTH_MAX: Final = 200


def title_of(event: ErrorEventReceived) -> str:
    """Return `Type: value` of the outermost exception, else the message's first line."""
    if event.exceptions:
        exception = event.exceptions[-1]
        value = _line(exception.value)
        return _cut(": ".join(part for part in (exception.type, value) if part) or UNLABELED, TITLE_LENGTH_MAX)
    return _cut(_line(event.message or event.message_template) or UNLABELED, TITLE_LENGTH_MAX)


def culprit_of(event: ErrorEventReceived) -> str:
    """Return the transaction, else `module in function` of the newest in-app frame, else ""."""
    if event.transaction:
        return _cut(event.transaction, CULPRIT_LENGTH_MAX)
    frame = _newest_frame(event)
    if frame is None:
        return ""
    place = frame.module or frame.filename or "?"
    return _cut(f"{place} in {frame.function}" if frame.function else place, CULPRIT_LENGTH_MAX)


def metadata_of(event: ErrorEventReceived) -> dict[str, Any]:
    """Return the group's metadata: type and value of an exception, else the title."""
    if not event.exceptions:
        return {"title": title_of(event)}
    exception = event.exceptions[-1]
    found = {
        "type": _cut(exception.type or "Error", TITLE_LENGTH_MAX),
        "value": _cut(exception.value or "", VALUE_LENGTH_MAX),
    }
    frame = _newest_frame(event)
    if frame is not None:
        places = {"filename": frame.filename, "function": frame.function}
        found |= {name: _cut(place, VALUE_LENGTH_MAX) for name, place in places.items() if place is not None}
    return found


def _newest_frame(event: ErrorEventReceived) -> Frame | None:
    frames = event.exceptions[-1].frames if event.exceptions else ()
    in_app = [frame for frame in frames if frame.in_app]
    return next(reversed(in_app or list(frames)), None)


def _line(text: str | None) -> str:
    stripped = (text or "").strip()
    return stripped.splitlines()[0].strip() if stripped else ""


def _cut(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else text[: length_max - 3] + "..."
