"""Refusals of a request (protocol: dialog#checks)."""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """An error response; `context` None means no context header and the body `{}`."""

    def __init__(
        self, status: int, context: Mapping[str, Any] | None, *, check: str, retry_after_seconds: int | None = None
    ) -> None:
        self.status = status
        self.context = context
        self.check = check
        self.retry_after_seconds = retry_after_seconds
        super().__init__(check)


_MISSING = "Missing or invalid parameter."


def invalid_event_id() -> Refusal:
    """`eventId` is missing or not an event id."""
    return Refusal(400, {"eventId": _MISSING}, check="eventId")


def unknown_dsn() -> Refusal:
    """`dsn` is missing or unknown, or its key is inactive."""
    return Refusal(404, {"dsn": _MISSING}, check="dsn")


def forbidden_origin() -> Refusal:
    """The page's origin is not allowed."""
    return Refusal(403, None, check="origin")


def too_many(seconds: int) -> Refusal:
    """A rate limit was reached; it ends in `seconds`."""
    context = {"detail": "Too many requests; try again later.", "code": "too_many_requests"}
    return Refusal(429, context, check="limit", retry_after_seconds=seconds)


def too_large(bytes_max: int) -> Refusal:
    """The form has more than `bytes_max` bytes."""
    context = {"detail": f"A form has at most {bytes_max} bytes.", "code": "too_large"}
    return Refusal(413, context, check="size")


def feature_disabled() -> Refusal:
    """The organization's feedback ingestion is disabled."""
    context = {"detail": "User feedback is switched off for this organization.", "code": "feature_disabled"}
    return Refusal(403, context, check="feature")


def unavailable(detail: str, seconds: int = 5) -> Refusal:
    """The form cannot be stored now."""
    return Refusal(
        503, {"detail": detail, "code": "unavailable"}, check="unavailable", retry_after_seconds=seconds
    )


def internal() -> Refusal:
    """An unexpected error; see the logs."""
    context = {"detail": "Internal error; the logs have more.", "code": "internal"}
    return Refusal(500, context, check="internal")
