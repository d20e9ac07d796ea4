"""The base of every service's HTTP app: health, metrics, error handlers, middleware."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from hearback_kit.api.answers import AnswerRules, HeadAnswers
from hearback_kit.api.bodies import RequestRefused, RequestRules
from hearback_kit.api.unrouted import answer_unrouted
from hearback_kit.errors import ErrorBody, ServiceError
from hearback_kit.health import health_routes
from hearback_kit.settings import ServiceSettings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


@cache
def service_version(service: str) -> str:
    """Return the installed version of a service's distribution."""
    try:
        return version(service)
    except PackageNotFoundError:
        return "0"


def _answer(error: ServiceError) -> JSONResponse:
    body = {"detail": error.detail, "code": error.code} if error.body is None else dict(error.body)
    return JSONResponse(body, status_code=error.status, headers=error.headers)


async def _on_service_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    return _answer(error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, RequestRefused):
        return _answer(error.error)
    instead = answer_unrouted(request, error)
    if isinstance(instead, Response):
        return instead
    error = instead
    code = _CODES.get(error.status_code, "error")
    headers = dict(error.headers or {})
    return JSONResponse({"detail": error.detail, "code": code}, status_code=error.status_code, headers=headers)


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if tuple(first["loc"]) == ("body",):
        return JSONResponse({"detail": _wrong_body(request, first["type"]), "code": "invalid"}, status_code=400)
    place = ".".join(str(part) for part in first["loc"] if part not in {"query", "path", "body"})
    detail = f"{place}: {first['msg']}" if place else str(first["msg"])
    return JSONResponse({"detail": detail, "code": "invalid"}, status_code=400)


def _wrong_body(request: Request, problem: str) -> str:
    """Return the error for a whole body: usually a missing or wrong content type."""
    if "json" not in request.headers.get("content-type", ""):
        return "Send the body as JSON, with the header `Content-Type: application/json`."
    return "A JSON body is required." if problem == "missing" else "Expected a JSON object."


def create_service_app(
    settings: ServiceSettings,
    *,
    title: str,
    description: str,
    lifespan: Lifespan,
    app_class: type[FastAPI] = FastAPI,
    **more: Any,
) -> FastAPI:
    """Return the FastAPI app that all services share; the caller adds its routers."""
    app = app_class(
        title=title,
        description=description,
        version=service_version(settings.service),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # `answer_unrouted` does it, and not with bodies
        responses={"4XX": {"model": ErrorBody}, "5XX": {"model": ErrorBody}},
        **more,
    )
    app.state.public_url = settings.public_url
    app.state.proxies = settings.address_reader()
    app.state.checks = {}
    app.state.on_stopping = []  # called when the server begins to stop: ends answers that would go on for long
    app.include_router(health_routes(settings.service, app.version, app.state.checks))
    add_error_handlers(app)
    app.add_middleware(RequestRules, bytes_max=settings.request_body_bytes_max)
    app.add_middleware(AnswerRules)
    app.add_middleware(HeadAnswers)
    return app


def add_error_handlers(app: Starlette) -> None:
    """Make an app answer every error in one shape: `{"detail", "code"}`."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
