"""Error responses of the ingest endpoints (protocol: http#error-bodies), and their reasons."""

from hearback_contracts.reasons import Reason


class Refused(Exception):
    """A request is answered with an error status.

    `detail` and `causes` are the JSON body; with `plain` the body is `detail` as plain text, as the protocol has
    it for errors of the body.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        causes: tuple[str, ...] = (),
        *,
        plain: bool = False,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.causes = causes
        self.plain = plain
        self.headers = headers


EMPTY_BODY = "empty request body"
INVALID_ENVELOPE = "invalid event envelope"
INTERNAL_ITEMS = "envelope contains internal items"
INVALID_CONTENT_TYPE = "invalid content type"
INVALID_EVENT_ID = "invalid event id"
INVALID_JSON = "invalid JSON data"
BAD_PROJECT_PATH = "bad project path parameter"
MISSING_AUTH = "missing authorization information"
MULTIPLE_AUTH = "multiple authorization payloads detected"
BAD_AUTH_HEADER = "bad x-sentry-auth header"
BAD_PUBLIC_KEY = "bad sentry DSN public key"
BAD_ENVELOPE_AUTH = "bad envelope authentication header"
INVALID_STORE_BODY = "invalid request body"
CONTENT_TOO_LARGE = "request content exceeded size limits"
INVALID_MULTIPART = "invalid multipart data"
INVALID_MINIDUMP = "invalid minidump"
MISSING_MINIDUMP = "missing minidump"
BODY_EMPTY = "Failed to buffer the request body"
BODY_TOO_LARGE = "Failed to buffer the request body: length limit exceeded"
BODY_UNREADABLE = "Failed to buffer the request body: the content encoding is corrupt"
FILE_TOO_LARGE = "field size exceeds the limit of an attachment"
QUEUE_FAILED = "failed to queue envelope"
PROJECT_NOT_AVAILABLE = "project not available"
RATE_LIMITED = (
    "Sentry dropped data due to a quota or internal rate limit being reached. "
    "This will not affect your application. "
    "See https://docs.sentry.io/product/accounts/quotas/ for more information."
)
_REASONS = {
    EMPTY_BODY: Reason.NO_DATA,
    BODY_EMPTY: Reason.NO_DATA,
    BODY_UNREADABLE: Reason.PAYLOAD,
    INVALID_CONTENT_TYPE: Reason.PAYLOAD,
    INVALID_STORE_BODY: Reason.PAYLOAD,
    INVALID_EVENT_ID: Reason.INVALID_EVENT_ID,
    INVALID_MULTIPART: Reason.INVALID_MULTIPART,
    INVALID_MINIDUMP: Reason.INVALID_MINIDUMP,
    MISSING_MINIDUMP: Reason.MISSING_MINIDUMP,
}


def reason_of(refused: Refused, too_large: Reason) -> Reason | None:
    """Return the reason to record for a refused body; None if the refusal is not about the body.

    `too_large` is the reason for one over a size limit.
    """
    if refused.status == 413 or FILE_TOO_LARGE in refused.causes:
        return too_large
    if refused.status == 415:
        return Reason.PAYLOAD
    return Reason.INVALID_JSON if refused.detail.startswith(INVALID_JSON) else _REASONS.get(refused.detail)


def invalid_envelope(*causes: str) -> Refused:
    """400: the envelope cannot be parsed or contradicts its request."""
    return Refused(400, INVALID_ENVELOPE, causes)


def rejected(reason: str) -> Refused:
    """403: the project does not accept the request; `reason` is the protocol's name."""
    return Refused(403, f"event submission rejected with_reason: {reason}")


def too_large(item_name: str) -> Refused:
    """413: an item exceeds a limit."""
    return Refused(
        413,
        f"envelope exceeded size limits for type '{item_name}' "
        "(https://develop.sentry.dev/sdk/envelopes/#size-limits)",
    )


def unavailable(cause: str, *, detail: str = QUEUE_FAILED) -> Refused:
    """503: nothing of the request was kept; try again later (the response has `Retry-After`)."""
    return Refused(503, detail, (cause,))
