"""`/api/embed/error-page/`: the dialog's script, its form, and the preflight."""

from typing import Any

from fastapi import APIRouter, Request
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from pydantic import BaseModel, Field
from starlette.responses import Response

from crash_embed import errors
from crash_embed.api.answers import refusal_answer
from crash_embed.api.desk import Desk
from crash_embed.api.requests import read_ask
from crash_embed.domain.parameters import TEXT_PARAMETERS
from crash_embed.metrics import REFUSALS

PATH = "/api/embed/error-page/"
PATHS = frozenset({PATH, PATH.rstrip("/")})
_log = get_logger(__name__)
_SHOWN = (*TEXT_PARAMETERS, "name", "email", "lang", "nonce")


class FormErrors(BaseModel):
    """What is wrong with a form, by field."""

    errors: dict[str, list[str]]


class Context(BaseModel):
    """Why a request was refused: the parameter's name with a message, or `detail` and `code`."""

    eventId: str | None = None  # noqa: N815 - the wire's name
    dsn: str | None = None
    detail: str | None = None
    code: str | None = None


class CrashForm(BaseModel):
    """The form as the dialog sends it."""

    name: str = Field("", max_length=128, description="Required unless the project says otherwise.")
    email: str = Field("", max_length=75, description="Required unless the project says otherwise.")
    comments: str = Field("", max_length=4096, description="Required.")


def _parameter(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


_PARAMETERS = [
    _parameter("eventId", "The error event, plain or dashed; empty only shows the dialog.", required=True),
    _parameter("dsn", "The project's DSN; its host does not matter.", required=True),
]
_TEXTS = [_parameter(name, "Shown in the dialog in place of ours.") for name in _SHOWN]
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Context | FormErrors, "description": "`eventId` or the form is not valid."},
    403: {"model": Context, "description": "The origin is not allowed, or feedback is switched off."},
    404: {"model": Context, "description": "`dsn` is missing or unknown, or its key is switched off."},
    413: {"model": Context, "description": "The form is too large."},
    429: {"model": Context, "description": "A limit was reached; see `Retry-After`."},
    503: {"model": Context, "description": "It cannot be made durable now; see `Retry-After`."},
}
_SCRIPT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/javascript": {"schema": {"type": "string"}}}, "description": "The script."},
    304: {"description": "The script has not changed."},
}
_FORM_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": CrashForm.model_json_schema()}
            for kind in ("application/x-www-form-urlencoded", "multipart/form-data")
        },
    },
    "parameters": _PARAMETERS,
}


async def answer(request: Request) -> Response:
    """The answer to a request of any method; never raises."""
    desk: Desk = request.app.state.desk
    ask = read_ask(request, desk.proxies)
    try:
        return await desk.handle(ask, request)
    except errors.Refusal as refusal:
        REFUSALS.labels(refusal.check).inc()
        return refusal_answer(ask, refusal)
    except Unavailable as problem:
        return refusal_answer(ask, errors.unavailable(problem.detail))
    except Exception as problem:
        _log.error("request_failed", method=ask.method, exc_info=problem)
        return refusal_answer(ask, errors.internal())


def embed_routes() -> APIRouter:
    """The operations as documented; `EmbedApp` calls `answer` itself.

    Every method goes through the same checks; what is neither OPTIONS nor POST gets the script.
    """
    router = APIRouter(tags=["dialog"], default_response_class=Response)

    def add(method: str, **more: Any) -> None:
        router.add_api_route(PATH, answer, methods=[method], **more)

    add(
        "GET",
        operation_id="getErrorPageScript",
        summary="The dialog's script",
        responses=_SCRIPT | _REFUSALS,
        openapi_extra={"parameters": [*_PARAMETERS, *_TEXTS]},
    )
    add(
        "POST",
        operation_id="sendErrorPageForm",
        summary="Take the dialog's form",
        responses={200: {"description": "The report is durable."}} | _REFUSALS,
        openapi_extra=_FORM_BODY,
    )
    add(
        "OPTIONS",
        operation_id="preflightErrorPage",
        summary="CORS preflight",
        responses={200: {"description": "The page may send."}} | _REFUSALS,
        openapi_extra={"parameters": _PARAMETERS},
    )
    return router
