"""Decode the fields of an error event that the index needs.

Most events are decoded directly into typed structs, at a third of the cost of a full decode. Events with a field
of an unexpected type are decoded fully and read field by field: the field is lost, not the event.
"""

from typing import Any

import msgspec
from hearback_kit.values.lenient_json import clean_text, read_leniently

from envelope_gateway.domain.json_values import is_too_deep
from envelope_gateway.domain.messages import Frame

Scalar = str | int | float | bool | None


class Stacktrace(msgspec.Struct):
    """A stack trace: frames from oldest to newest call."""

    frames: list[Frame] | None = None


class RawException(msgspec.Struct):
    """One exception of an event."""

    type: str | None = None
    value: str | None = None
    module: str | None = None
    stacktrace: Stacktrace | None = None


class Exceptions(RawException):
    """The object form of `exception`: a list in `values`, or one exception itself."""

    values: list[RawException | None] | None = None


class User(msgspec.Struct):
    """The `user` of an event."""

    id: Scalar = None
    email: str | None = None
    username: Scalar = None
    name: str | None = None
    ip_address: str | None = None


class HttpRequest(msgspec.Struct):
    """The `request` of an event."""

    url: str | None = None


class LogEntry(msgspec.Struct):
    """A message with its template."""

    message: str | None = None
    formatted: str | None = None


class Contexts(msgspec.Struct):
    """The contexts that are read; for `feedback` only whether it is an object."""

    feedback: msgspec.Raw = msgspec.Raw()
    replay: dict[str, Any] | None = None
    trace: dict[str, Any] | None = None


class EventPayload(msgspec.Struct):
    """The fields of an event that the gateway reads; old clients name some after their interfaces."""

    event_id: Any = None
    type: Scalar = None
    timestamp: Scalar = None
    environment: Scalar = None
    release: Scalar = None
    dist: Scalar = None
    platform: Scalar = None
    level: Scalar = None
    logger: Scalar = None
    transaction: Scalar = None
    culprit: Scalar = None
    message: str | LogEntry | None = None
    logentry: LogEntry | None = None
    legacy_message: LogEntry | None = msgspec.field(default=None, name="sentry.interfaces.Message")
    request: HttpRequest | None = None
    legacy_request: HttpRequest | None = msgspec.field(default=None, name="sentry.interfaces.Http")
    user: User | None = None
    legacy_user: User | None = msgspec.field(default=None, name="sentry.interfaces.User")
    tags: dict[str, Any] | list[Any] | None = None
    contexts: Contexts | None = None
    fingerprint: list[Any] | None = None
    exception: Exceptions | list[RawException | None] | None = None
    legacy_exception: Exceptions | list[RawException | None] | None = msgspec.field(
        default=None, name="sentry.interfaces.Exception"
    )


_decode = msgspec.json.Decoder(EventPayload).decode
_SCALARS = [field.name for field in msgspec.structs.fields(EventPayload) if field.type == Scalar]


def decode_event(payload: bytes) -> EventPayload:
    """Decode an event. Raise ValueError if it is not a JSON object."""
    try:
        return _decode(payload)
    except (ValueError, RecursionError):
        return decode_event_lenient(payload)


def decode_event_lenient(payload: bytes) -> EventPayload:
    """Decode an event of any shape, without NUL characters. Raise ValueError if it is not a JSON object."""
    return _pick(decode_object_lenient(payload))


def decode_object_lenient(payload: bytes) -> dict[str, Any]:
    """Decode a JSON object with `read_leniently`. Raise ValueError if it is not one."""
    if is_too_deep(payload):
        raise ValueError("nested too deeply")
    value = read_leniently(payload)
    if value is None:
        raise ValueError("not an object")
    return value


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bool | int | float):
        return str(value)
    return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _scalar(value: object) -> Scalar:
    if isinstance(value, str):
        return clean_text(value)
    return value if isinstance(value, bool | int | float) else None


def _pick(event: dict[str, Any]) -> EventPayload:
    message = event.get("message")
    contexts = _object(event.get("contexts"))
    tags = event.get("tags")
    return EventPayload(
        **{name: _scalar(event.get(name)) for name in _SCALARS},
        event_id=event.get("event_id"),
        message=_log_entry(message) if isinstance(message, dict) else _text(message),
        logentry=_log_entry(event.get("logentry")),
        legacy_message=_log_entry(event.get("sentry.interfaces.Message")),
        request=_request(event.get("request")),
        legacy_request=_request(event.get("sentry.interfaces.Http")),
        user=_user(event.get("user")),
        legacy_user=_user(event.get("sentry.interfaces.User")),
        tags=tags if isinstance(tags, dict | list) else None,
        contexts=Contexts(
            feedback=msgspec.Raw(b"{}" if isinstance(contexts.get("feedback"), dict) else b""),
            replay=_object(contexts.get("replay")),
            trace=_object(contexts.get("trace")),
        ),
        fingerprint=_list(event.get("fingerprint")),
        exception=_exceptions(event.get("exception")),
        legacy_exception=_exceptions(event.get("sentry.interfaces.Exception")),
    )


def _request(value: object) -> HttpRequest | None:
    return HttpRequest(_text(value.get("url"))) if isinstance(value, dict) else None


def _user(user: object) -> User | None:
    if not isinstance(user, dict):
        return None
    texts = {name: _text(user.get(name)) for name in ("id", "email", "username", "name", "ip_address")}
    return User(**texts)


def _log_entry(value: object) -> LogEntry | None:
    if not isinstance(value, dict):
        return None
    return LogEntry(_text(value.get("message")), _text(value.get("formatted")))


def _exceptions(value: object) -> list[RawException | None]:
    if isinstance(value, dict):
        value = value["values"] if isinstance(value.get("values"), list) else [value]
    return [_exception(entry) for entry in _list(value) if isinstance(entry, dict)]


def _exception(value: dict[str, Any]) -> RawException:
    frames = [
        _frame(frame) for frame in _list(_object(value.get("stacktrace")).get("frames")) if isinstance(frame, dict)
    ]
    return RawException(
        _text(value.get("type")), _text(value.get("value")), _text(value.get("module")), Stacktrace(frames)
    )


def _frame(value: dict[str, Any]) -> Frame:
    in_app = value.get("in_app")
    return Frame(
        _text(value.get("module")),
        _text(value.get("function")),
        _text(value.get("filename")),
        in_app if isinstance(in_app, bool) else None,
    )
