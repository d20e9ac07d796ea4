"""The OpenAPI description of the dialog's path."""

from typing import Any

from pydantic import BaseModel, Field

from crash_embed.domain.parameters import SHOWN_PARAMETERS

PATH = "/api/embed/error-page/"


class FormErrors(BaseModel):
    """Error messages of a form by field."""

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


PARAMETERS = [
    _parameter("eventId", "The error event, plain or dashed; empty only shows the dialog.", required=True),
    _parameter("dsn", "The project's DSN; its host does not matter.", required=True),
]
OPTIONAL_PARAMETERS = [_parameter(name, "Shown in the dialog in place of ours.") for name in SHOWN_PARAMETERS] + [
    _parameter("lang", "The dialog's language; without it `Accept-Language` decides.")
]
REFUSAL_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": Context | FormErrors, "description": "`eventId` or the form is not valid."},
    403: {"model": Context, "description": "The origin is not allowed, or feedback is switched off."},
    404: {"model": Context, "description": "`dsn` is missing or unknown, or its key is switched off."},
    413: {"model": Context, "description": "The form is too large."},
    415: {"model": Context, "description": "The form has a content encoding."},
    429: {"model": Context, "description": "A limit was reached; see `Retry-After`."},
    503: {"model": Context, "description": "It cannot be made durable now; see `Retry-After`."},
}
SCRIPT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/javascript": {"schema": {"type": "string"}}}, "description": "The script."},
    304: {"description": "The script has not changed."},
}
FORM_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"description": "The report is durable."}}
PREFLIGHT_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"description": "The page may send."}}
FORM_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": CrashForm.model_json_schema()}
            for kind in ("application/x-www-form-urlencoded", "multipart/form-data")
        },
    },
    "parameters": PARAMETERS,
}
