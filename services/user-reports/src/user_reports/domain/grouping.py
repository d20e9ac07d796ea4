"""Group error events.

An explicit fingerprint decides; else the exception types with their in-app frames (module and function,
never lines); else the message without its parameters. SDK, platform and release do not count, so the same
error has the same group whichever SDK sent it.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from hearback_contracts.events import ErrorEventReceived, ExceptionValue, Frame

from user_reports.domain.names import function_name, module_name, parametrized

_DEFAULT: Final = re.compile(r"\{\{\s*default\s*\}\}\Z")
UNLABELED: Final = "<unlabeled event>"


def group_hash(event: ErrorEventReceived) -> str:
    """Return the hash of an event's group within its project: 32 hex digits."""
    fingerprint = [part for part in event.fingerprint if part]
    if not fingerprint or all(_DEFAULT.match(part) for part in fingerprint):
        return _digest(default_parts(event))
    parts = ["fingerprint"]
    for part in fingerprint:
        if _DEFAULT.match(part):
            parts += ["default", _digest(default_parts(event))]
        else:
            parts += ["text", part]
    return _digest(parts)


def default_parts(event: ErrorEventReceived) -> list[str]:
    """Return the grouping components of an event without a fingerprint."""
    if event.exceptions:
        return _exception_parts(event.exceptions)
    message = event.message_template or event.message
    if message and message.strip():
        return ["message", parametrized(message)]
    return ["place", event.transaction or event.logger or UNLABELED]


def _exception_parts(exceptions: Sequence[ExceptionValue]) -> list[str]:
    chosen = [_frames(exception.frames) for exception in exceptions]
    parts = ["exception"]
    for exception, frames in zip(exceptions, chosen, strict=True):
        parts += ["type", exception.type or ""]
        for module, function in frames:
            parts += ["frame", module, function]
    if not any(chosen):
        parts += ["value", parametrized(exceptions[-1].value or "")]
    return parts


def _frames(frames: Sequence[Frame]) -> list[tuple[str, str]]:
    in_app = [frame for frame in frames if frame.in_app]
    return list(_named(in_app)) or list(_named(frames))


def _named(frames: Sequence[Frame]) -> Iterator[tuple[str, str]]:
    """Yield frames that have a name, consecutive equal ones (recursion) once."""
    named = ((module_name(frame.module, frame.filename), function_name(frame.function)) for frame in frames)
    for pair, _ in groupby(named):
        if any(pair):
            yield pair


def _digest(parts: Sequence[str]) -> str:
    text = b"".join(b"%d:%b," % (len(raw), raw) for raw in (p.encode("utf-8", "replace") for p in parts))
    return hashlib.blake2b(text, digest_size=16).hexdigest()
