"""Error responses of the ingest endpoints (protocol: http#error-bodies)."""


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
BODY_TOO_LARGE = "Failed to buffer the request body: length limit exceeded"
BODY_UNREADABLE = "Failed to buffer the request body: the content encoding is corrupt"
QUEUE_FAILED = "failed to queue envelope"
PROJECT_NOT_AVAILABLE = "project not available"
RATE_LIMITED = (
    "Sentry dropped data due to a quota or internal rate limit being reached. "
    "This will not affect your application. "
    "See https://docs.sentry.io/product/accounts/quotas/ for more information."
)


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


def unavailable(cause: str, retry_after_seconds: int, *, detail: str = QUEUE_FAILED) -> Refused:
    """503: nothing of the request was kept; try again later."""
    return Refused(503, detail, (cause,), headers=(("retry-after", str(retry_after_seconds)),))
