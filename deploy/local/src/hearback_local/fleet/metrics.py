"""Reads the metrics of a running service."""

import http.client

from hearback_local.fleet.readiness import PROBE_SECONDS_MAX


def read_metric(port: int, name: str) -> float | None:
    """Return the sum of a gauge over its labels; None when there is none to read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS_MAX)
    try:
        connection.request("GET", "/metrics", headers={"Connection": "close"})
        text = connection.getresponse().read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    values = [_value(line) for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(values) if values else None


def _value(line: str) -> float:
    return float(line.rpartition(" ")[2])
