"""Drives one Python SDK through one scenario against a DSN and prints what it did as one JSON line.

usage: python drive.py DSN SCENARIO      (the SDK is found through PYTHONPATH)
"""

import json
import sys
import time
import uuid


class CheckoutError(Exception):
    """The error that every scenario raises."""


def fail(text):
    try:
        raise CheckoutError(text)
    except CheckoutError as error:
        return error


def start(dsn, **more):
    import sentry_sdk

    sentry_sdk.init(dsn=dsn, release="shop@1.2.3", environment="staging", default_integrations=False, **more)
    return sentry_sdk


def send(sdk, item_type, payload, event_id, attachments=()):
    from sentry_sdk.attachments import Attachment
    from sentry_sdk.envelope import Envelope, Item, PayloadRef

    client = sdk.get_client() if hasattr(sdk, "get_client") else sdk.Hub.current.client
    envelope = Envelope(headers={"event_id": event_id})
    envelope.add_item(Item(payload=PayloadRef(json=payload), type=item_type))
    for attachment in attachments:
        envelope.add_item(Attachment(**attachment).to_envelope_item())
    client.transport.capture_envelope(envelope)


def feedback_event(event_id, associated):
    """Everything that can be said about a feedback; the SDK's envelope classes send it as it is."""
    return {
        "type": "feedback",
        "event_id": event_id,
        "timestamp": time.time() - 7.25,
        "platform": "python",
        "release": "shop@1.2.3",
        "dist": "42",
        "environment": "staging",
        "level": "warning",
        "server_name": "till-3",
        "transaction": "/cart",
        "sdk": {"name": "sentry.python", "version": "x", "packages": [{"name": "pypi:sentry-sdk"}]},
        "user": {
            "id": "u-17",
            "email": "jane@example.com",
            "username": "jane",
            "ip_address": "192.0.2.7",
            "segment": "gold",
        },
        "tags": {"flavour": "vanilla", "basket": "full"},
        "extra": {"attempt": 2},
        "modules": {"shop": "1.2.3"},
        "request": {"url": "https://shop.example.com/cart?step=2", "headers": {"User-Agent": "Shop/1.0"}},
        "breadcrumbs": {"values": [{"category": "ui.click", "message": "checkout", "timestamp": time.time() - 9}]},
        "contexts": {
            "cart": {"items": 3, "currency": "EUR", "nested": {"discount": None, "codes": ["A", "B"]}},
            "trace": {"trace_id": "b2" * 16, "span_id": "c3" * 8},
            "feedback": {
                "message": "The checkout button does nothing",
                "name": "Jane Doe",
                "contact_email": "jane.contact@example.com",
                "url": "https://shop.example.com/cart",
                "source": "conformance",
                "replay_id": "a1" * 16,
                "associated_event_id": associated,
            },
        },
    }


def feedback(dsn):
    sdk = start(dsn)
    associated = sdk.capture_exception(fail("the cart broke"))
    event_id = uuid.uuid4().hex
    attachments = [
        {"bytes": b"\x89PNG\n\x00\xff", "filename": "screenshot.png", "content_type": "application/png"},
        {"bytes": b"clicked\ntwice", "filename": "notes.txt"},
    ]
    send(sdk, "feedback", feedback_event(event_id, associated), event_id, attachments)
    sdk.flush(10)
    return {"feedback": event_id, "associated": associated}


def user_report(dsn):
    sdk = start(dsn)
    event_id = sdk.capture_exception(fail("the cart broke"))
    send(
        sdk,
        "user_report",
        {
            "event_id": event_id,
            "name": "Jane Doe",
            "email": "jane.contact@example.com",
            "comments": "It broke when I paid",
        },
        event_id,
    )
    sdk.flush(10)
    return {"event": event_id}


def captured_feedback(dsn):
    """What users of the Python SDK do, which has no feedback API: an event that says it is a feedback."""
    sdk = start(dsn, dist="42", server_name="till-3", max_breadcrumbs=5)
    sdk.set_user({"id": "u-17", "email": "jane@example.com", "username": "jane"})
    sdk.set_tag("flavour", "vanilla")
    sdk.set_context("cart", {"items": 3})
    sdk.set_extra("attempt", 2)
    sdk.add_breadcrumb(category="ui.click", message="checkout")
    if hasattr(sdk, "get_global_scope"):  # older ones send to the old endpoint what has no attachment
        sdk.get_isolation_scope().add_attachment(bytes=b"clicked", filename="notes.txt")
    event_id = sdk.capture_event(
        {
            "type": "feedback",
            "level": "info",
            "contexts": {"feedback": {"message": "Sent as an event", "contact_email": "jane@example.com"}},
        }
    )
    sdk.flush(10)
    return {"feedback": event_id}


def _drops(sdk, reason, count):
    for number in range(count):
        sdk.capture_exception(fail(f"{reason} {number}"))
    sdk.flush(10)
    sdk.flush(10)
    return {"reason": reason, "category": "error", "quantity": count}


def sample_rate(dsn):
    return _drops(start(dsn, sample_rate=0.0), "sample_rate", 5)


def before_send(dsn):
    return _drops(start(dsn, before_send=lambda *_: None), "before_send", 4)


def event_processor(dsn):
    sdk = start(dsn)
    with sdk.configure_scope() if not hasattr(sdk, "get_global_scope") else _Scope(sdk) as scope:
        scope.add_event_processor(lambda *_: None)
    return _drops(sdk, "event_processor", 3)


class _Scope:
    def __init__(self, sdk):
        self._sdk = sdk

    def __enter__(self):
        return self._sdk.get_isolation_scope()

    def __exit__(self, *_):
        return False


def queue_overflow(dsn):
    """More events at once than the transport's queue holds."""
    sdk = start(dsn, transport_queue_size=1)
    for number in range(200):
        sdk.capture_exception(fail(f"crowd {number}"))
    sdk.flush(20)
    sdk.flush(20)
    return {"reason": "queue_overflow", "category": "error", "sent": 200}


def network_error(dsn):
    """The proxy between cuts every request that carries an error."""
    return _drops(start(dsn), "network_error", 3)


def rate_limited(dsn):
    sdk = start(dsn)
    sdk.capture_exception(fail("asked to stop"))
    sdk.flush(10)
    return _drops(sdk, "ratelimit_backoff", 6)


def raven_error(dsn):
    import raven
    from raven.transport.http import HTTPTransport

    client = raven.Client(dsn, transport=HTTPTransport, release="shop@1.2.3", environment="staging")
    try:
        raise CheckoutError("the cart broke")
    except CheckoutError:
        return {"event": client.captureException()}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[2]](sys.argv[1])))
