"""The cookie of a browser's session, which the registry writes and every service reads."""

from datetime import timedelta

from hearback_kit.auth import SESSION_COOKIE
from starlette.responses import Response


def set_session_cookie(response: Response, secret: str, duration: timedelta, public_url: str) -> None:
    """Give a browser its session, in a cookie that scripts cannot read and other sites cannot use."""
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(duration.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=public_url.startswith("https:"),
    )


def end_session_cookie(response: Response) -> None:
    """Take a browser's session away."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")
