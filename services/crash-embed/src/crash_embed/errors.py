"""Refusals of a request (protocol: dialog#checks)."""

from collections.abc import Mapping
from typing import Any

from hearback_kit.errors import EncodedBody


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
_RETRY_SECONDS = 5


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
    return _explained(429, "limit", "too_many_requests", "Too many requests; try again later.", seconds)


def too_large(bytes_max: int) -> Refusal:
    """The form has more than `bytes_max` bytes."""
    return _explained(413, "size", "too_large", f"A form has at most {bytes_max} bytes.")


def encoded_form() -> Refusal:
    """The form has a content encoding."""
    context = {"detail": EncodedBody().detail, "code": EncodedBody.code}
    return Refusal(415, context, check="encoding")


def feature_disabled() -> Refusal:
    """The organization's feedback ingestion is disabled."""
    detail = "User feedback is switched off for this organization."
    return _explained(403, "feature", "feature_disabled", detail)


def unavailable(detail: str) -> Refusal:
    """The form cannot be stored now."""
    return _explained(503, "unavailable", "unavailable", detail, _RETRY_SECONDS)


def internal() -> Refusal:
    """An unexpected error; see the logs."""
    return _explained(500, "internal", "internal", "Internal error; the logs have more.")


def _explained(status: int, check: str, code: str, detail: str, seconds: int | None = None) -> Refusal:
    return Refusal(status, {"detail": detail, "code": code}, check=check, retry_after_seconds=seconds)
