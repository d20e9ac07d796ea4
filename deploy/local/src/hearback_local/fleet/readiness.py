"""Reads the readiness and metrics of running processes."""

import contextlib
import http.client
import json
from typing import Any

PROBE_SECONDS_MAX = 2.0


def fetch(port: int, path: str, seconds_max: float) -> tuple[int, bytes]:
    """Return status and body of a GET on 127.0.0.1:port; status 0 without a response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds_max)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def probe(port: int, path: str = "/readyz", seconds_max: float = PROBE_SECONDS_MAX) -> tuple[bool, Any]:
    """Return whether GET on 127.0.0.1:port returns 200, and its JSON body (None without one)."""
    status, body = fetch(port, path, seconds_max)
    try:
        return status == 200, json.loads(body)
    except ValueError:
        return status == 200, None


def read_metrics(port: int) -> dict[str, list[float]]:
    """Return the values of each metric by name, one per label set; empty without a response."""
    text = fetch(port, "/metrics", PROBE_SECONDS_MAX)[1].decode(errors="replace")
    found: dict[str, list[float]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            with contextlib.suppress(ValueError):  # no sample
                value = float(line.rpartition(" ")[2])
                found.setdefault(line.partition("{")[0].partition(" ")[0], []).append(value)
    return found
