"""Structured logs: JSON in production, readable lines in development; bounded, never payloads or secrets."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog
from opentelemetry import trace

from hearback_kit.log_limits import (
    LINES_PER_MINUTE_MAX,
    SUPPRESSED,
    WINDOW_SECONDS,
    LineLimit,
    cut_values,
    format_exception,
)


def configure_logs(
    service: str,
    level: str = "info",
    style: str = "json",
    *,
    lines_per_minute_max: int = LINES_PER_MINUTE_MAX,
    window_seconds: float = WINDOW_SECONDS,
) -> None:
    """Send structlog and standard logging to stderr in one format, within limits (`log_limits`)."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _with_trace(service),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if style == "console"
        else structlog.processors.JSONRenderer()
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            format_exception,
            cut_values,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(LineLimit(_report_suppressed, lines_max=lines_per_minute_max, window_seconds=window_seconds))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for noisy in ("uvicorn.access", "httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _report_suppressed(logger: str, level: int, event: str, lines: int) -> None:
    get_logger(logger).log(level, event, **{SUPPRESSED: lines})


def _with_trace(service: str) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    """Return a processor that adds the service and the current trace to every line."""

    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("service", service)
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            event["trace_id"] = format(context.trace_id, "032x")
        return event

    return add


def get_logger(name: str) -> Any:
    """Return a structlog logger: `log.info("event", key=value)`."""
    return structlog.stdlib.get_logger(name)
