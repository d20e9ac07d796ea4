"""The errors that the edge answers itself."""

import json


def error_body(code: str, detail: str) -> bytes:
    """Return an error in the shape that all services use."""
    return json.dumps({"detail": detail, "code": code}).encode()
