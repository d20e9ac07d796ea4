"""Errors with an HTTP status; the body is always `{"detail", "code"}`."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

Value = TypeVar("Value")


class ErrorBody(BaseModel):
    """The body of every error response."""

    detail: str
    code: str


class ServiceError(Exception):
    """An error that becomes an HTTP response. `code` is for programs, `detail` for people.

    `field` names the input that it is about, if there is one, and `problem` says what is wrong there, for forms.
    """

    status = 500
    code = "internal"

    def __init_subclass__(cls, *, status: int | None = None, code: str | None = None) -> None:
        cls.status, cls.code = status or cls.status, code or cls.code

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        field: str | None = None,
        problem: str | None = None,
    ) -> None:
        self.detail = detail or (type(self).__doc__ or "").split("\n", 1)[0]
        self.code = code or type(self).code
        self.headers = dict(headers or {})
        self.body = body
        self.field = field
        self.problem = problem or self.detail
        super().__init__(self.detail)


class BadRequest(ServiceError, status=400, code="bad_request"):
    """The request is malformed."""


class Unauthorized(ServiceError, status=401, code="unauthorized"):
    """Authentication credentials were not provided or are not valid."""


class Forbidden(ServiceError, status=403, code="forbidden"):
    """You do not have permission to perform this action."""


class NotFound(ServiceError, status=404, code="not_found"):
    """The requested resource does not exist."""


class Conflict(ServiceError, status=409, code="conflict"):
    """The request conflicts with what is stored."""


class TooLarge(ServiceError, status=413, code="too_large"):
    """The request is too large."""


class EncodedBody(ServiceError, status=415, code="encoded_body"):
    """Send the body without a content encoding; it is not decoded here."""

    def __init__(self) -> None:
        super().__init__(headers={"Accept-Encoding": "identity"})


class TooManyRequests(ServiceError, status=429, code="too_many_requests"):
    """Too many requests; try again later."""


class Unavailable(ServiceError, status=503, code="unavailable"):
    """Something this service needs cannot be reached at the moment; try again."""

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 5, **more: Any) -> None:
        more.setdefault("headers", {"Retry-After": str(retry_after_seconds)})
        super().__init__(detail, **more)


class QueryTimeout(Unavailable, code="timeout"):
    """The query took too long; ask for less, such as a shorter period, or try again."""


def existing(value: Value | None) -> Value:
    """Return a value; raise NotFound if it is None."""
    if value is None:
        raise NotFound
    return value
