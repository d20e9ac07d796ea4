"""Errors that know their HTTP status; every error answer has one shape: `{"detail", "code"}`."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


class ErrorBody(BaseModel):
    """The body of every error answer."""

    detail: str
    code: str


class ServiceError(Exception):
    """An error that becomes an HTTP answer. `code` is for programs, `detail` for people."""

    status = 500
    code = "internal"

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        self.detail = detail or (type(self).__doc__ or "").split("\n", 1)[0]
        self.code = code or type(self).code
        self.headers = dict(headers or {})
        self.body = body
        super().__init__(self.detail)


class BadRequest(ServiceError):
    """The request is malformed."""

    status = 400
    code = "bad_request"


class Unauthorized(ServiceError):
    """Authentication credentials were not provided or are not valid."""

    status = 401
    code = "unauthorized"


class Forbidden(ServiceError):
    """You do not have permission to perform this action."""

    status = 403
    code = "forbidden"


class NotFound(ServiceError):
    """The requested resource does not exist."""

    status = 404
    code = "not_found"


class Conflict(ServiceError):
    """The request conflicts with what is stored."""

    status = 409
    code = "conflict"


class TooLarge(ServiceError):
    """The request is too large."""

    status = 413
    code = "too_large"


class TooManyRequests(ServiceError):
    """Too many requests; try again later."""

    status = 429
    code = "too_many_requests"


class Unavailable(ServiceError):
    """Something this service needs cannot be reached at the moment; try again."""

    status = 503
    code = "unavailable"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 5, **more: Any) -> None:
        more.setdefault("headers", {"Retry-After": str(retry_after_seconds)})
        super().__init__(detail, **more)


class QueryTimeout(Unavailable):
    """The query took too long; ask for less, such as a shorter period, or try again."""

    code = "timeout"
