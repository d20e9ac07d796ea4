"""What SDKs send: envelopes, forms, and the keys that authenticate them."""

import json
from typing import Any

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
DASHED_ID = "9ec79c33-ec99-42ab-8353-589fcb2e04dc"
ZERO_ID = "0" * 32
KEY = "0123456789abcdef0123456789abcdef"
OFF_KEY = "f" * 32
UNKNOWN_KEY = "e" * 32
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
FORM = {"content_type": "multipart/form-data; boundary=b"}
FILES = f"/api/1/events/{EVENT_ID}/attachments/"
WORDS = {"contexts": {"feedback": {"message": "the words"}}}
Item = tuple[dict[str, Any], bytes]


def sentry(key: str, **more: str) -> dict[str, str]:
    """Headers that authenticate with a key."""
    fields = {"sentry_key": key, **more}
    return {"x_sentry_auth": "Sentry " + ", ".join(f"{name}={value}" for name, value in fields.items())}


def item(kind: str, payload: Any = b"{}", **head: Any) -> Item:
    """An item; a payload that is no bytes is written as JSON."""
    return {"type": kind, **head}, payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def feedback(**more: Any) -> Item:
    return item("feedback", {**WORDS, **more})


def attachment(data: bytes = PNG, **head: Any) -> Item:
    return item("attachment", data, **{"filename": "screenshot.png", **head})


def envelope(*items: Item, **header: Any) -> bytes:
    """An envelope of `EVENT_ID`, with the lengths of its items; header fields that are None are left out."""
    fields = {"event_id": EVENT_ID, **header}
    lines = [json.dumps({name: value for name, value in fields.items() if value is not None}).encode()]
    for head, payload in items:
        lines += [json.dumps({"length": len(payload), **head}).encode(), payload]
    return b"\n".join(lines)


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form of content type `FORM`: parts as `name=…` and further parameters, and their contents."""
    head = "--b\r\ncontent-disposition: form-data; {}\r\ncontent-type: image/png\r\n\r\n"
    return b"".join(head.format(names).encode() + data + b"\r\n" for names, data in parts) + b"--b--\r\n"


ITEMS = {
    "feedback": feedback(),
    "feedback event": item("event", {"type": "feedback", **WORDS}),
    "event": item("event", {"message": "boom"}),
    "large": item("event", {"message": "x" * 1_100_000}),
    "user_report": item("user_report", {"event_id": EVENT_ID, "comments": "hi"}),
    "client_report": item("client_report", {"discarded_events": []}),
    "attachment": attachment(b"12345"),
    "minidump": attachment(b"12345", attachment_type="event.minidump"),
    "transaction": item("transaction"),
    "session": item("session"),
    "wombat": item("wombat"),
    "integration": item("integration"),
}


def envelope_of(*names: str, **header: Any) -> bytes:
    """An envelope of some of `ITEMS`."""
    return envelope(*(ITEMS[name] for name in names), **header)
