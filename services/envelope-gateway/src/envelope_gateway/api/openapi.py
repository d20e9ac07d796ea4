"""The ingest endpoints in the OpenAPI document, written by hand because they are plain ASGI."""

from typing import Any

_PROJECT = {
    "name": "project_id",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 0},
    "description": "Id of the project, as in the DSN.",
}
_EVENT = {
    "name": "event_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "Event id: 32 hex digits, dashes allowed.",
}
_KEY = {
    "name": "sentry_key",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "Public key; may stand in X-Sentry-Auth, Authorization or the envelope's DSN instead.",
}
_ERROR_SCHEMA = {
    "type": "object",
    "properties": {
        "detail": {"type": "string"},
        "causes": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["detail"],
}
_ERROR = {
    "description": "Refused; nothing was kept, or (429) not all of it.",
    "content": {
        "application/json": {"schema": _ERROR_SCHEMA},
        "text/plain": {"schema": {"type": "string"}},
    },
}
_ID = {
    "description": "Durable.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"id": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
            }
        }
    },
}
_UNSUPPORTED = {"description": "The content encoding, or the type of a browser's report, is not known."}
_EMPTY = {"description": "Taken."}
_DASHED_ID = {
    "description": "Taken; a dashed UUID.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
_STATUSES = ("400", "401", "403", "404", "413", "429", "503")


def _body(*kinds: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "binary"}
    return {"required": False, "content": {kind: {"schema": schema} for kind in kinds}}


def _operation(
    name: str,
    summary: str,
    success: str,
    answer: dict[str, Any],
    *,
    parameters: tuple[dict[str, Any], ...] = (_PROJECT,),
    kinds: tuple[str, ...] = ("application/octet-stream",),
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": ["ingest"],
        "operationId": name,
        "summary": summary,
        "parameters": [*parameters, _KEY],
        "responses": {success: answer, "415": _UNSUPPORTED, **dict.fromkeys(_STATUSES, _ERROR)},
    }
    if kinds:
        operation["requestBody"] = _body(*kinds)
    return operation


def ingest_paths() -> dict[str, Any]:
    """The path items of the ingest endpoints."""
    base = "/api/{project_id}"
    envelope = ("application/x-sentry-envelope", "text/plain", "application/octet-stream")
    store = ("application/json", "application/octet-stream", "text/plain")
    pixel = {
        "description": "Durable; a 26-byte image.",
        "content": {"image/gif": {"schema": {"type": "string", "format": "binary"}}},
    }
    reports = ("application/csp-report", "application/json", "application/reports+json")
    return {
        f"{base}/envelope/": {"post": _operation("sendEnvelope", "Take an envelope", "200", _ID, kinds=envelope)},
        f"{base}/store/": {
            "post": _operation("storeEvent", "Take one event of an old client", "200", _ID, kinds=store),
            "get": _operation("storeEventByImage", "Take an event in `sentry_data`", "200", pixel, kinds=()),
        },
        f"{base}/events/{{event_id}}/attachments/": {
            "post": _operation(
                "sendAttachments",
                "Take files for an event",
                "201",
                _EMPTY,
                parameters=(_PROJECT, _EVENT),
                kinds=("multipart/form-data",),
            )
        },
        f"{base}/security/": {
            "post": _operation(
                "sendSecurityReport", "Not stored: a recorded discard", "200", _EMPTY, kinds=reports
            )
        },
        f"{base}/nel/": {"post": _operation("sendNel", "Not stored: a recorded discard", "200", _EMPTY)},
        f"{base}/minidump/": {
            "post": _operation("sendMinidump", "Not stored: a recorded discard", "200", _DASHED_ID)
        },
    }
