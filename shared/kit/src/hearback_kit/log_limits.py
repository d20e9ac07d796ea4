"""Limit logs, so that input cannot fill the disk: lines per kind and minute, and the length of values.

A kind is a logger with an event (or a message template of the standard library's logging).
"""

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

LINES_PER_MINUTE_MAX: Final = 60
TRACEBACK_CHARACTERS_MAX: Final = 8_000
VALUE_CHARACTERS_MAX: Final = 1_000
WINDOW_SECONDS: Final = 60.0
SUPPRESSED: Final = "suppressed"
_FRAMES_MAX: Final = 30
_KINDS_MAX: Final = 1_000
_OTHER_KIND: Final = "(other)"
Kind = tuple[str, str]
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


@dataclass(slots=True)
class _Window:
    ends_at: float
    lines: int = 0
    suppressed: int = 0


class LineLimit(logging.Filter):
    """Lets `lines_max` lines of a kind through per minute.

    If lines were dropped, it calls `report` at the end of the minute with the logger's name, the level, the event
    and the number of lines.
    """

    def __init__(
        self,
        report: Callable[[str, int, str, int], None],
        *,
        lines_max: int = LINES_PER_MINUTE_MAX,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        super().__init__()
        self._report = report
        self._lines_max = lines_max
        self._window_seconds = window_seconds
        self._windows: dict[Kind, _Window] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write a line."""
        event, is_report = _event_of(record)
        if is_report:
            return True
        kind = (record.name, event)
        with self._lock:
            window = self._window_of(kind)
            window.lines += 1
            if window.lines <= self._lines_max:
                return True
            window.suppressed += 1
            if window.suppressed == 1:
                timer = threading.Timer(self._window_seconds, self._end, (kind, window, record.levelno))
                timer.daemon = True
                timer.start()
            return False

    def _window_of(self, kind: Kind) -> _Window:
        now = time.monotonic()
        if kind not in self._windows and len(self._windows) >= _KINDS_MAX:
            self._windows = {known: window for known, window in self._windows.items() if window.ends_at > now}
            if len(self._windows) >= _KINDS_MAX:
                kind = (_OTHER_KIND, _OTHER_KIND)
        window = self._windows.get(kind)
        if window is None or (window.ends_at <= now and not window.suppressed):
            window = self._windows[kind] = _Window(now + self._window_seconds)
        return window

    def _end(self, kind: Kind, window: _Window, level: int) -> None:
        """Report the lines dropped in a window, and start the next one."""
        with self._lock:
            if self._windows.get(kind) is window:
                del self._windows[kind]
        name, event = kind
        self._report(name, level, event, window.suppressed)


def _event_of(record: logging.LogRecord) -> tuple[str, bool]:
    """Return the event or template of a line, and whether it is a report of this module."""
    if isinstance(record.msg, dict):
        return str(record.msg.get("event"))[:VALUE_CHARACTERS_MAX], SUPPRESSED in record.msg
    return str(record.msg)[:VALUE_CHARACTERS_MAX], False


def cut(text: str, characters_max: int) -> str:
    """Truncate a text in its middle, with a note of how many characters are omitted."""
    if len(text) <= characters_max:
        return text
    head = characters_max // 4
    tail = characters_max - head
    return f"{text[:head]} … {len(text) - characters_max} characters left out … {text[-tail:]}"


def cut_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Truncate the values of a line (a structlog processor), except the traceback."""
    for name, value in event.items():
        if isinstance(value, str) and len(value) > VALUE_CHARACTERS_MAX and name != "exception":
            event[name] = cut(value, VALUE_CHARACTERS_MAX)
    return event


def format_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace `exc_info` by a truncated traceback in `exception` (a structlog processor)."""
    given = event.pop("exc_info", None)
    info = _exception_info(given)
    if info is not None:
        text = "".join(traceback.format_exception(*info, limit=-_FRAMES_MAX)).rstrip("\n")
        event["exception"] = cut(text, TRACEBACK_CHARACTERS_MAX)
    return event


def _exception_info(given: Any) -> ExceptionInfo | None:
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    info = given if isinstance(given, tuple) else sys.exc_info() if given else None
    return info if info is not None and info[0] is not None else None
