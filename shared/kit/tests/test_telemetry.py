"""Traceparents, spans of batches, and exporters by name."""

import re
import subprocess
import sys

import pytest
from hearback_kit.telemetry import batch_span, configure_traces, current_traceparent, new_traceparent

FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]")


def test_a_new_traceparent_has_its_form_and_is_new():
    assert FORM.fullmatch(new_traceparent())
    assert new_traceparent() != new_traceparent()


def test_outside_a_span_there_is_none():
    assert current_traceparent() is None


@pytest.mark.parametrize("others", [[], [None], [""], ["nonsense"], ["00-" + "0" * 32 + "-" + "b" * 16 + "-01"]])
def test_a_batch_without_a_usable_trace_starts_one(others):
    configure_traces("tests")
    with batch_span("process x", others):
        assert FORM.fullmatch(current_traceparent())
    assert current_traceparent() is None


def test_a_batch_of_very_many_traces_is_one_span():
    configure_traces("tests")
    with batch_span("process x", [new_traceparent() for _ in range(1_000)]):
        assert FORM.fullmatch(current_traceparent())


def run(code: str, exporter: str) -> subprocess.CompletedProcess[str]:
    environment = {"OTEL_TRACES_EXPORTER": exporter}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def test_an_exporter_is_found_by_its_name():
    code = (
        "from hearback_kit.telemetry import *\n"
        "configure_traces('sample')\n"
        "with batch_span('process x', []): pass\n"
        "from opentelemetry import trace; trace.get_tracer_provider().shutdown()"
    )
    done = run(code, "console")
    assert done.returncode == 0, done.stderr
    assert '"name": "process x"' in done.stdout
    assert run(code, "none").stdout == ""
    assert "no exporter named missing" in run(code, "missing").stderr
