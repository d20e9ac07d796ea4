"""Reads the metrics of a running service."""

import http.client

from hearback_local.fleet.readiness import PROBE_SECONDS_MAX


def read_metric(port: int, name: str, labels: str = "") -> float | None:
    """Return the sum of a metric's samples whose labels contain `labels`; None when there is none to read.

    `name` is the sample's, such as `x_total` of the counter `x`.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS_MAX)
    try:
        connection.request("GET", "/metrics", headers={"Connection": "close"})
        text = connection.getresponse().read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    values = [_value(line) for line in text.splitlines() if _is_sample(line, name, labels)]
    return sum(values) if values else None


def _is_sample(line: str, name: str, labels: str) -> bool:
    return line.startswith((f"{name} ", f"{name}{{")) and labels in line


def _value(line: str) -> float:
    return float(line.rpartition(" ")[2])
