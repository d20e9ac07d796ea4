"""Probes whether a process is ready."""

import http.client
import json
from typing import Any

PROBE_SECONDS_MAX = 2.0


def probe(port: int, path: str = "/readyz", seconds_max: float = PROBE_SECONDS_MAX) -> tuple[bool, Any]:
    """Return whether GET on 127.0.0.1:port answers 200, and its decoded JSON body (None without one)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds_max)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return False, None
    finally:
        connection.close()
    try:
        return answer.status == 200, json.loads(body)
    except ValueError:
        return answer.status == 200, None
