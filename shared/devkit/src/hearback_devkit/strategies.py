"""Hypothesis strategies for all messages, derived from their models.

Values are only limited by the types of a model, with the bounds of numbers: any text, number or time, except times
of receipt and message ids, which the fleet generates. A handler must accept each of them, or raise ValueError (see
`takes`).
"""

import types
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import orjson
from hearback_contracts.events import Message, Part
from hearback_contracts.identifiers import NO_EVENT_ID
from hearback_kit.bus import Incoming
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import TypeAdapter, ValidationError

BIGINT_MAX: Final = (1 << 63) - 1
TEXT_LENGTH_MAX: Final = 300
_ITEMS_MAX: Final = 3
_ZONES: Final = st.integers(-1_439, 1_439).map(lambda minutes: timezone(timedelta(minutes=minutes)))

TEXTS: Final[SearchStrategy[str]] = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    [
        *("", " ", "\x00", "a\x00b", "0", "-1", "null", "/", "../..", "\r\n", "\u202eabc"),
        *("e\u0301" * 20, "😀" * 60, NO_EVENT_ID, "a" * 32, "A" * 32, "a" * 31 + "g", "1" * 20),
        "x" * TEXT_LENGTH_MAX,
        "<script>alert(1)</script>",
        *("2026-11-24T12:00:00Z", "https://example.com/?a=1#b", "javascript:alert(1)", "=cmd()", "{{ default }}"),
    ]
)
"""Texts that JSON can represent, without lone surrogates, but with NUL, bidi characters, long ones, ids."""

INSTANTS: Final[SearchStrategy[datetime]] = st.builds(
    lambda time, zone: time.replace(tzinfo=zone),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 (Hypothesis takes bounds without a zone)
    _ZONES | st.just(UTC),
) | st.sampled_from(
    [
        datetime(2026, 11, 24, 12, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=-23))),
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=23))),
    ]
)
"""Times with any offset, within the range of UTC."""
TIMES: Final[SearchStrategy[str]] = INSTANTS.map(datetime.isoformat)
"""Such times as text."""

_FIRST: Final = datetime(2020, 1, 1, tzinfo=UTC)
FLEET_TIMES: Final[SearchStrategy[str]] = st.integers(0, 80 * 365 * 86_400 * 1_000).map(
    lambda milliseconds: (_FIRST + timedelta(milliseconds=milliseconds)).isoformat()
)
"""Times of the fleet's clock."""
IDS: Final[SearchStrategy[str]] = st.binary(min_size=16, max_size=16).map(bytes.hex)
"""Canonical ids: 32 hex digits."""
_BY_FLEET: Final = dict.fromkeys(("occurred_at", "received_at", "measured_at"), FLEET_TIMES)

NUMBERS: Final[SearchStrategy[int]] = st.integers(-BIGINT_MAX - 1, BIGINT_MAX) | st.integers(0, 9)
"""Integers of 64 bits, and small ones."""

JSON: Final[SearchStrategy[Any]] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-BIGINT_MAX, BIGINT_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=_ITEMS_MAX) | st.dictionaries(TEXTS, inner, max_size=_ITEMS_MAX),
    max_leaves=12,
)
"""JSON values."""


def wire(model: type[Part], **known: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Return JSON objects of a message or a part of one; `known` are strategies for some fields.

    Fields with defaults are optional, except types.
    """
    hints = get_type_hints(model, include_extras=True)
    fields = {name: _strategy(model, name, hints[name], known) for name in model.model_fields}
    required = {
        name: fields[name] for name, field in model.model_fields.items() if field.is_required() or name == "type"
    }
    return st.fixed_dictionaries(
        required, optional={name: fields[name] for name in fields if name not in required}
    )


def entries(
    model: type[Message], *, body: SearchStrategy[bytes | None] | None = None, **known: SearchStrategy[Any]
) -> SearchStrategy[Incoming]:
    """Return stream entries of a message; `body` is its payload, by default none."""
    version = str(model.model_fields["version"].default)
    return st.builds(
        lambda values, payload: Incoming("stream", "1-0", model.TYPE, version, orjson.dumps(values), payload),
        wire(model, **known),
        st.none() if body is None else body,
    )


def payloads(**known: SearchStrategy[Any]) -> SearchStrategy[bytes]:
    """Return bodies: JSON objects with some of these fields, any JSON, or any bytes."""
    shaped = st.fixed_dictionaries({}, optional={name: known[name] | JSON for name in known})
    return shaped.map(orjson.dumps) | JSON.map(orjson.dumps) | st.binary(max_size=100)


async def takes(handle: Callable[[list[Incoming]], Awaitable[Any]], entry: Incoming) -> bool:
    """Return whether a handler accepted a message; False if it raised ValueError, as for invalid messages.

    Other exceptions propagate: they would stop a consumer.
    """
    try:
        await handle([entry])
    except ValueError:
        return False
    return True


def _strategy(
    model: type[Part], name: str, annotation: Any, known: Mapping[str, SearchStrategy[Any]]
) -> SearchStrategy[Any]:
    """Return the strategy in `known`, or else that of the field's type."""
    if name in known:
        return known[name]
    if name == "id" and issubclass(model, Message):
        return IDS
    return _BY_FLEET[name] if name in _BY_FLEET else _of(annotation)


def _of(annotation: Any) -> SearchStrategy[Any]:
    """Return JSON values of a type annotation."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        values, bounds = _of(arguments[0]), TypeAdapter(annotation)
        return values.filter(lambda value: _is_within(bounds, value)) if arguments[0] is int else values
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {Union, types.UnionType}:
        return st.one_of([_of(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(_of(arguments[0]), max_size=_ITEMS_MAX)
    if origin in {dict, Mapping}:
        return st.dictionaries(TEXTS, _of(arguments[1]), max_size=_ITEMS_MAX)
    return _of_class(annotation)


def _is_within(bounds: TypeAdapter[Any], value: Any) -> bool:
    try:
        bounds.validate_python(value)
    except ValidationError:
        return False
    return True


def _of_class(annotation: Any) -> SearchStrategy[Any]:
    known: dict[Any, SearchStrategy[Any]] = {
        type(None): st.none(),
        bool: st.booleans(),
        int: NUMBERS,
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: TEXTS,
        datetime: TIMES,
        Any: JSON,
    }
    if annotation in known:
        return known[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from([member.value for member in annotation])
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return st.deferred(lambda: wire(annotation))
    raise TypeError(f"no strategy for {annotation!r}")
