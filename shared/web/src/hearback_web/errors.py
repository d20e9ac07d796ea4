"""Renders errors on page paths as pages."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from hearback_contracts.routes import is_page
from hearback_kit.api.answers import AnswerRules
from hearback_kit.api.bodies import RequestRefused, RequestRules, has_null_character, null_character
from hearback_kit.api.unrouted import answer_unrouted
from hearback_kit.errors import ServiceError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hearback_web.guard import SignInRequired
from hearback_web.policies import PAGE_HEADERS
from hearback_web.texts import gettext as _

LOGIN: Final = "/auth/login/"
RenderError = Callable[[Request, int, str, str], Response]
Handler = Callable[[Request, Exception], Awaitable[Response]]


def _titles() -> Mapping[int, str]:
    return {
        400: _("That did not work"),
        403: _("You may not see this"),
        404: _("There is nothing here"),
        405: _("That did not work"),
        409: _("Someone was faster"),
        413: _("That is too large"),
        429: _("Too many requests"),
        503: _("Not reachable at the moment"),
    }


def title_of(status: int) -> str:
    """Return the heading of an error page."""
    return _titles().get(status) or (_("That did not work") if status < 500 else _("Something broke"))


def explanation_of(status: int, detail: str) -> str:
    """Return the explanation of an error: its detail, or a general text if the detail is a default."""
    general = {
        403: _("Your role does not allow it. An owner of the organization can change that."),
        404: _("The address is wrong, or what was here is gone, or you are not a member of its organization."),
        500: _("The fault is ours, and it is in the logs. Try again in a moment."),
    }
    is_default = detail in {
        "You do not have permission to perform this action.",
        "The requested resource does not exist.",
        HTTPStatus(status).phrase,
    }
    return general[status] if status in general and (is_default or status == 500) else detail


def install_error_pages(app: FastAPI, render_error: RenderError) -> None:
    """Render errors on page paths as pages; other paths keep their error handlers."""

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and not isinstance(error, RequestRefused):
            instead = answer_unrouted(request, error)
            if isinstance(instead, Response):
                return instead
            error = instead
        known = error.error if isinstance(error, RequestRefused) else error
        if isinstance(known, SignInRequired):
            return _to_sign_in(request)
        status, detail, headers = _facts(known)
        page = render_error(request, status, title_of(status), explanation_of(status, detail))
        page.headers.update(headers)
        return page

    def on_page_paths(other: Any) -> Handler:
        async def handle(request: Request, error: Exception) -> Response:
            if is_page(request.url.path):
                return await answer(request, error)
            kept: Response = await other(request, error)
            return kept

        return handle

    def crash(request: Request) -> Response:
        return render_error(request, 500, title_of(500), explanation_of(500, ""))

    for kind in (ServiceError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, on_page_paths(app.exception_handlers[kind]))
    # Innermost, so that crashes are handled here before the middleware of all apps turns them into JSON.
    app.user_middleware.append(Middleware(AnswerRules, headers=PAGE_HEADERS, crash=crash, covers=is_page))
    # Before RequestRules, which refuses URLs with JSON.
    kinds: list[Any] = [one.cls for one in app.user_middleware]
    rules = kinds.index(RequestRules) if RequestRules in kinds else 0
    app.user_middleware.insert(rules, Middleware(PageAddresses, render_error=render_error))


def _facts(error: Exception) -> tuple[int, str, Mapping[str, str]]:
    if isinstance(error, ServiceError):
        return error.status, error.detail, error.headers
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), error.headers or {}
    return 400, _("The address has a parameter that is not valid."), {}


def _to_sign_in(request: Request) -> Response:
    """Redirect to sign-in, and from there back to the page, or to the page of a form or fragment."""
    is_part = "hx-request" in request.headers
    shown = request.headers.get("hx-current-url" if is_part else "referer", "")
    try:
        page = urlsplit(shown if is_part or request.method != "GET" else str(request.url))
    except ValueError:
        page = urlsplit("")
    path = page.path + (f"?{page.query}" if page.query else "")
    target = LOGIN
    if path not in {"", "/"} and page.path != LOGIN:
        target = f"{LOGIN}?next={quote(path, safe='/')}"
    if is_part:
        return Response(status_code=401, headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303)


class PageAddresses:
    """ASGI middleware that refuses page URLs with NUL characters, with an error page."""

    def __init__(self, app: ASGIApp, render_error: RenderError) -> None:
        self._app = app
        self._render_error = render_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, unless its URL is refused."""
        if scope["type"] != "http" or not (has_null_character(scope) and is_page(scope["path"])):
            await self._app(scope, receive, send)
            return
        error = null_character()
        page = self._render_error(Request(scope), error.status, title_of(error.status), error.detail)
        page.headers.update(PAGE_HEADERS)
        await page(scope, receive, send)
