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
    return {**_kept_paths(), **_discarded_paths()}


def _kept_paths() -> dict[str, Any]:
    base = "/api/{project_id}"
    envelope = ("application/x-sentry-envelope", "text/plain", "application/octet-stream")
    store = ("application/json", "application/octet-stream", "text/plain")
    pixel = {
        "description": "Durable; a 26-byte image.",
        "content": {"image/gif": {"schema": {"type": "string", "format": "binary"}}},
    }
    form = ("multipart/form-data",)
    by_image = "Take an event in `sentry_data`"
    return {
        f"{base}/envelope/": {"post": _operation("sendEnvelope", "Take an envelope", "200", _ID, kinds=envelope)},
        f"{base}/store/": {
            "post": _operation("storeEvent", "Take one event of an old client", "200", _ID, kinds=store),
            "get": _operation("storeEventByImage", by_image, "200", pixel, kinds=()),
        },
        "/api/store/": {
            "post": _operation(
                "storeEventOfKey", "Take one event for the key's project", "200", _ID, parameters=(), kinds=store
            ),
            "get": _operation("storeEventOfKeyByImage", by_image, "200", pixel, parameters=(), kinds=()),
        },
        f"{base}/events/{{event_id}}/attachments/": {
            "post": _operation(
                "sendAttachments",
                "Take files for an event",
                "201",
                _EMPTY,
                parameters=(_PROJECT, _EVENT),
                kinds=form,
            )
        },
    }


def _discarded_paths() -> dict[str, Any]:
    base = "/api/{project_id}"
    reports = ("application/csp-report", "application/json", "application/reports+json")
    slug, key, provider = (_path_parameter(name) for name in ("monitor_slug", "public_key", "integration"))
    cron, keyed = (_PROJECT, slug), (_PROJECT, slug, key)
    refused = {"description": "Never: uploads in pieces are refused with 403."}
    return {
        f"{base}/security/": {"post": _discard("sendSecurityReport", "200", _EMPTY, kinds=reports)},
        f"{base}/csp-report/": {"post": _discard("sendCspReport", "200", _EMPTY, kinds=reports)},
        f"{base}/nel/": {"post": _discard("sendNel", "200", _EMPTY)},
        f"{base}/minidump/": {"post": _discard("sendMinidump", "200", _DASHED_ID)},
        f"{base}/unreal/{{public_key}}/": {
            "post": _discard("sendUnrealReport", "200", _DASHED_ID, parameters=(_PROJECT, key))
        },
        f"{base}/cron/{{monitor_slug}}/": {
            "post": _discard("sendCheckIn", "202", _EMPTY, parameters=cron),
            "get": _discard("sendCheckInByQuery", "202", _EMPTY, parameters=cron, kinds=()),
        },
        f"{base}/cron/{{monitor_slug}}/{{public_key}}/": {
            "post": _discard("sendCheckInOfKey", "202", _EMPTY, parameters=keyed),
            "get": _discard("sendCheckInOfKeyByQuery", "202", _EMPTY, parameters=keyed, kinds=()),
        },
        f"{base}/upload/": {
            "post": _discard("createUpload", "201", refused),
            "patch": _discard("continueUpload", "204", refused),
        },
        f"{base}/integration/otlp/v1/logs": {"post": _discard("sendOtlpLogs", "200", _EMPTY)},
        f"{base}/integration/otlp/v1/traces": {"post": _discard("sendOtlpTraces", "200", _EMPTY)},
        f"{base}/integration/{{integration}}": {
            "post": _discard("sendIntegration", "200", _EMPTY, parameters=(_PROJECT, provider))
        },
    }


def _discard(name: str, success: str, answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    return _operation(name, "Not stored: a recorded discard", success, answer, **more)


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
