"""Traces and metrics: spans that survive the queue, one `/metrics` for everything."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

METRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST


def configure_traces(service: str) -> None:
    """Give the process a tracer provider; exporters are added by the OpenTelemetry environment variables."""
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({"service.name": service})))


def current_traceparent() -> str | None:
    """The W3C traceparent of the current span, to be carried in messages; None outside a span."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def new_traceparent() -> str:
    """A traceparent for work that starts here, where a whole span would cost too much."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@contextmanager
def span(name: str, traceparent: str | None = None) -> Iterator[None]:
    """Run a block in a span, continuing the trace that `traceparent` names."""
    parent = propagate.extract({"traceparent": traceparent}) if traceparent else context.get_current()
    with trace.get_tracer("hearback").start_as_current_span(name, context=parent):
        yield


def render_metrics() -> bytes:
    """Every metric of the process in Prometheus' text format."""
    return generate_latest()
