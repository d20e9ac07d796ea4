"""Responses to requests that match no route: wrong method, and missing trailing slash.

GET and HEAD of a path without its trailing slash are redirected; other methods are answered 404, since clients may
drop the body when redirected.
"""

from typing import Any, Final

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from hearback_kit.api.answers import is_read_by_head

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
FORGOTTEN_SLASH: Final = "Not Found. Did you forget the last slash?"


def allowed_methods(app: Any, scope: Any, path: str) -> list[str]:
    """Return the methods of an app's route for a path; empty without one."""
    asked = [{**scope, "path": path, "method": method} for method in METHODS]
    found = {one["method"] for one in asked if any(route.matches(one)[0] is Match.FULL for route in app.routes)}
    if "GET" in found and is_read_by_head(path):
        found.add("HEAD")
    return [method for method in METHODS if method in found]


def answer_unrouted(request: Request, error: HTTPException) -> Response | HTTPException:
    """Return the response to a 404 or 405 of the router; an error raised by a route unchanged."""
    path: str = request.scope["path"]
    if error.status_code == 405:
        methods = allowed_methods(request.app, request.scope, path)
        return HTTPException(405, error.detail, {**(error.headers or {}), "Allow": ", ".join(methods)})
    if error.status_code != 404 or request.scope.get("endpoint") is not None or path.endswith("/"):
        return error
    methods = allowed_methods(request.app, request.scope, f"{path}/")
    if request.method in {"GET", "HEAD"} and request.method in methods:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{request.url.path}/{query}", 307)
    return HTTPException(404, FORGOTTEN_SLASH) if methods else error
