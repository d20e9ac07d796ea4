"""Reads the metrics of a running service."""

import contextlib
import http.client

from hearback_local.fleet.readiness import PROBE_SECONDS_MAX


def read_metrics(port: int) -> dict[str, list[float]]:
    """Return the values of every sample by its name, one for each set of labels; empty without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS_MAX)
    try:
        connection.request("GET", "/metrics", headers={"Connection": "close"})
        text = connection.getresponse().read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    found: dict[str, list[float]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            with contextlib.suppress(ValueError):  # no sample
                value = float(line.rpartition(" ")[2])
                found.setdefault(line.partition("{")[0].partition(" ")[0], []).append(value)
    return found
