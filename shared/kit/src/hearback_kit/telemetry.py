"""Traces and metrics.

Traces are propagated through the streams by the `traceparent` of every message. Spans are created per batch, not
per request.
"""

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

METRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
LINKS_MAX: Final = 128  # as the SDK's default
_EXPORTERS: Final = [
    name.strip()
    for name in os.environ.get("OTEL_TRACES_EXPORTER", "").split(",")
    if name.strip() not in {"", "none"}
]


def configure_traces(service: str) -> None:
    """Set the process's tracer provider, once.

    `OTEL_TRACES_EXPORTER` lists exporters (`console`, or `otlp` if its package is installed), as in the
    OpenTelemetry specification; without it spans are not exported. Raise ValueError for an exporter that is not
    installed.
    """
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    # Only exporters need the process's description, whose detection starts a thread and inspects all packages.
    resource = Resource.create({"service.name": service}) if _EXPORTERS else Resource.get_empty()
    provider = TracerProvider(resource=resource)
    for name in _EXPORTERS:
        provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
    trace.set_tracer_provider(provider)


def _exporter(name: str) -> SpanExporter:
    found = entry_points(group="opentelemetry_traces_exporter", name=name)
    if not found:
        raise ValueError(f"OTEL_TRACES_EXPORTER: no exporter named {name} is installed")
    exporter: SpanExporter = next(iter(found)).load()()
    return exporter


def current_traceparent() -> str | None:
    """Return the W3C traceparent of the current span for messages; None outside a span."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def new_traceparent() -> str:
    """Return a new traceparent without creating a span, for hot paths."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@contextmanager
def batch_span(name: str, traceparents: Sequence[str | None]) -> Iterator[None]:
    """Run a block in a span for a batch of messages with these traceparents.

    A batch of one trace continues it; one of several starts a new trace with links to each (OpenTelemetry's
    conventions for messaging), at most LINKS_MAX, and none if spans are not exported. Invalid traceparents are
    ignored. Errors are not recorded, since their text may contain personal data.
    """
    known = [text for text in dict.fromkeys(traceparents) if text][:LINKS_MAX]
    if len(known) == 1:
        parent, links = propagate.extract({"traceparent": known[0]}, context=Context()), []
    else:
        spans = (_span_context(text) for text in known if _EXPORTERS)
        parent, links = Context(), [trace.Link(span) for span in spans if span is not None]
    with trace.get_tracer("hearback").start_as_current_span(
        name,
        context=parent,
        kind=trace.SpanKind.CONSUMER,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ):
        yield


def _span_context(traceparent: str) -> trace.SpanContext | None:
    """Parse a traceparent at a tenth of the propagator's cost; None if it is invalid."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"]):
        return None
    span = trace.SpanContext(
        int(found["trace"], 16),
        int(found["span"], 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(found["flags"], 16)),
    )
    return span if span.is_valid else None


def render_metrics() -> bytes:
    """Return every metric of the process in Prometheus' text format."""
    return generate_latest()
