"""Resolve the address `{{auto}}`, which stands for the sender's (protocol: authentication#client-address)."""

import re

AUTO = "{{auto}}"
_AUTO_BYTES = AUTO.encode()
# Inside of strings quotes are escaped, so this matches keys and values alone, never what a person wrote.
_FIELD = re.compile(rb'("ip_address"\s*:\s*)"\{\{auto\}\}"')


def resolve_in_payload(payload: bytes, remote_addr: str | None) -> bytes:
    """Return an event's JSON with `{{auto}}` addresses replaced by the sender's, or by null when it is unknown."""
    if payload.find(_AUTO_BYTES) < 0:  # `in` would raise and drop an error first: it tries to read a number
        return payload
    address = b"null" if remote_addr is None else b'"%b"' % remote_addr.encode("ascii", "replace")
    return _FIELD.sub(rb"\g<1>" + address.replace(b"\\", b""), payload)
