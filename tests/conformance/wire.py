"""What an SDK put on the wire, read without any code of ours."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Sent:
    """One envelope: the event-like item's payload, and its attachments as (item header, bytes)."""

    header: dict[str, Any]
    event: dict[str, Any] = field(default_factory=dict)
    attachments: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)


def read_envelope(body: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """The items, the envelope's own header first with an empty payload."""
    head, _, rest = body.partition(b"\n")
    items = [(json.loads(head), b"")]
    while rest.strip():
        head, _, rest = rest.partition(b"\n")
        header = json.loads(head)
        end = header["length"] if "length" in header else len(rest.partition(b"\n")[0])
        items.append((header, rest[:end]))
        rest = rest[end:].removeprefix(b"\n")
    return items


def sent_event(bodies: list[bytes], event_id: str) -> Sent:
    """The envelope, or bare event of old SDKs, that carried an event or feedback.

    Raises:
        LookupError: None did.
    """
    for body in bodies:
        items = read_envelope(body) if b'"type"' in body.partition(b"\n")[2] else [({}, b""), ({}, body)]
        sent = Sent(items[0][0])
        for header, payload in items[1:]:
            if header.get("type") == "attachment":
                sent.attachments.append((header, payload))
            elif (content := json.loads(payload)).get("event_id") == event_id:
                sent.event = content
        if sent.event:
            return sent
    raise LookupError(event_id)
