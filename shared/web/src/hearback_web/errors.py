"""Renders errors on page paths as pages."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from hearback_contracts.routes import is_page
from hearback_kit.api.answers import AnswerRules
from hearback_kit.api.bodies import RequestRefused, RequestRules, has_null_character, null_character
from hearback_kit.api.unrouted import allowed_methods, answer_unrouted
from hearback_kit.errors import BadRequest, NotFound, ServiceError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hearback_web.forms import STALE_FORM
from hearback_web.guard import SignInRequired
from hearback_web.links import local_path
from hearback_web.policies import PAGE_HEADERS
from hearback_web.texts import gettext as _

LOGIN: Final = "/auth/login/"


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What an error page says; `again` is the address to try again at, if that may help.

    `bare` is the address without its parameters, if one of them is wrong.
    """

    status: int
    title: str
    text: str
    again: str = ""
    bare: str = ""


RenderError = Callable[[Request, ErrorPage], Response]
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
    """Return the explanation of an error: its detail, or a general text if the detail is a default.

    Details of outages that are no sentence are for logs: they name addresses of services.
    """
    general = {
        403: _("Your role does not allow it. An owner of the organization can change that."),
        404: _("The address is wrong, or what was here is gone, or you are not a member of its organization."),
        500: _("The fault is ours, and it is in the logs. Try again in a moment."),
        503: _("A part of Hearback does not answer. Nothing that was saved is lost; try again in a moment."),
    }
    is_default = detail in {
        "You do not have permission to perform this action.",
        "The requested resource does not exist.",
        HTTPStatus(status).phrase,
    }
    is_for_logs = status >= 500 and not detail.endswith(".")
    return general[status] if status in general and (is_default or is_for_logs or status == 500) else detail


def install_error_pages(app: FastAPI, render_error: RenderError) -> None:
    """Render errors on page paths as pages; other paths keep their error handlers."""

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and not isinstance(error, RequestRefused):
            instead = answer_unrouted(request, error)
            if isinstance(instead, Response):
                return instead
            if instead.status_code == 405 and (above := _page_above(request)):
                return RedirectResponse(local_path(above), status_code=303)
            error = instead
        known = error.error if isinstance(error, RequestRefused) else error
        if isinstance(known, SignInRequired):
            return _to_sign_in(request)
        if not isinstance(known, ServiceError):
            known = _as_service_error(known)
        page = render_error(request, _error_page(request, known))
        page.headers.update(known.headers)
        return page

    def on_page_paths(other: Any) -> Handler:
        async def handle(request: Request, error: Exception) -> Response:
            if is_page(request.url.path):
                return await answer(request, error)
            kept: Response = await other(request, error)
            return kept

        return handle

    def crash(request: Request) -> Response:
        return render_error(request, _error_page(request, ServiceError()))

    for kind in (ServiceError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, on_page_paths(app.exception_handlers[kind]))
    # Innermost, so that crashes are handled here before the middleware of all apps turns them into JSON.
    app.user_middleware.append(Middleware(AnswerRules, headers=PAGE_HEADERS, crash=crash, covers=is_page))
    # Before RequestRules, which refuses URLs with JSON.
    kinds: list[Any] = [one.cls for one in app.user_middleware]
    rules = kinds.index(RequestRules) if RequestRules in kinds else 0
    app.user_middleware.insert(rules, Middleware(PageAddresses, render_error=render_error))


def _page_above(request: Request) -> str:
    """Return the page of a form whose own address was opened, as after it was refused; empty without one."""
    path = request.scope["path"] if request.method in {"GET", "HEAD"} else "/"
    while path != "/":
        path = path.rstrip("/").rpartition("/")[0] + "/"
        if "GET" in allowed_methods(request.app, request.scope, path):
            return str(path)
    return ""


def _as_service_error(error: Exception) -> ServiceError:
    if not isinstance(error, HTTPException):
        return _wrong_parameter(error)
    known = ServiceError(str(error.detail), headers=error.headers)
    known.status = error.status_code
    return known


def _wrong_parameter(error: Exception) -> ServiceError:
    """Name the parameter that is wrong, and its limit if it has one; what is wrong in a path does not exist."""
    found = error.errors()[0] if isinstance(error, RequestValidationError) and error.errors() else {}
    if found.get("loc", ("",))[0] == "path":
        return NotFound()
    name = next((one for one in reversed(found.get("loc", ())) if isinstance(one, str)), "")
    if length_max := found.get("ctx", {}).get("max_length"):
        return BadRequest(_("{} is too long: at most {} characters.").format(name, length_max))
    return BadRequest(_("The address has a value of {} that is not valid.").format(name))


def _error_page(request: Request, error: ServiceError) -> ErrorPage:
    status, is_stale = error.status, error.code == STALE_FORM
    title = _("This page is out of date") if is_stale else title_of(status)
    is_worth_it = is_stale or status == 429 or status >= 500 or (request.method == "POST" and status != 403)
    again = local_path(_page_of(request)) if is_worth_it else ""
    is_about_address = request.method == "GET" and (status == 400 or error.code == "no_such_project")
    bare = local_path(request.url.path) if is_about_address and request.url.query else ""
    return ErrorPage(status, title, explanation_of(status, error.detail), again if again != "/" else "", bare)


def _page_of(request: Request) -> str:
    """Return the page that is asked for, or that a form or fragment is on; empty if that is unknown."""
    is_part = "hx-request" in request.headers
    shown = request.headers.get("hx-current-url" if is_part else "referer", "")
    try:
        page = urlsplit(shown if is_part or request.method != "GET" else str(request.url))
    except ValueError:
        return ""
    return page.path + (f"?{page.query}" if page.query else "")


def _to_sign_in(request: Request) -> Response:
    """Redirect to sign-in, and from there back to the page, or to the page of a form or fragment."""
    path, target = _page_of(request), LOGIN
    if path not in {"", "/"} and path.partition("?")[0] != LOGIN:
        target = f"{LOGIN}?next={quote(path, safe='/')}"
    if "hx-request" in request.headers:
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
        request = Request(scope)
        page = self._render_error(request, _error_page(request, error))
        page.headers.update(PAGE_HEADERS)
        await page(scope, receive, send)
