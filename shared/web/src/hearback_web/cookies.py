"""Cookies of pages, which scripts cannot read and other sites cannot send in forms."""

from datetime import timedelta

from hearback_kit.auth import SESSION_COOKIE
from starlette.responses import Response


def set_cookie(response: Response, name: str, value: str, *, seconds: int, secure: bool, path: str = "/") -> None:
    """Set a cookie."""
    response.set_cookie(name, value, seconds, path=path, secure=secure, httponly=True, samesite="lax")


def delete_cookie(response: Response, name: str, path: str = "/") -> None:
    """Delete a cookie."""
    response.delete_cookie(name, path, httponly=True, samesite="lax")


def set_session_cookie(response: Response, secret: str, duration: timedelta, public_url: str) -> None:
    """Set the cookie of a browser's session, which the registry writes and every service reads."""
    seconds, secure = int(duration.total_seconds()), public_url.startswith("https:")
    set_cookie(response, SESSION_COOKIE, secret, seconds=seconds, secure=secure)


def end_session_cookie(response: Response) -> None:
    """Delete the cookie of a browser's session."""
    delete_cookie(response, SESSION_COOKIE)
