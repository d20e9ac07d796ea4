"""The cookie of a browser's session, which the registry writes and every service reads."""

from hearback_kit.auth import SESSION_COOKIE
from starlette.responses import Response


def set_session_cookie(response: Response, secret: str, *, seconds: int, secure: bool) -> None:
    """Give a browser its session, in a cookie that scripts cannot read and other sites cannot use."""
    response.set_cookie(
        SESSION_COOKIE, secret, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure
    )


def end_session_cookie(response: Response) -> None:
    """Take a browser's session away."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")
