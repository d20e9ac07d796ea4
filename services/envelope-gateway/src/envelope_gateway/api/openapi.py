"""Document the ingest endpoints, which are plain ASGI, from their table."""

from typing import Any

from envelope_gateway.api.endpoints import ENDPOINTS, Answer, Endpoint, Operation

_KEY = {
    "name": "sentry_key",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "Public key; may be in X-Sentry-Auth, Authorization or the envelope's DSN instead.",
}
_PARAMETERS: dict[str, dict[str, Any]] = {
    "project_id": {
        "schema": {"type": "integer", "minimum": 0},
        "description": "Id of the project, as in the DSN.",
    },
    "event_id": {
        "schema": {"type": "string"},
        "description": "Event id: 32 hex digits, dashes allowed.",
    },
}
_OTHER_PARAMETER: dict[str, Any] = {"schema": {"type": "string", "minLength": 1}}
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
_UNSUPPORTED = {"description": "The content encoding, or the type of a browser's report, is not known."}
_BINARY = {"type": "string", "format": "binary"}
_EVENT_ID = {"type": "object", "properties": {"id": {"type": "string", "pattern": "^[0-9a-f]{32}$"}}}
_ANSWERS: dict[Answer, dict[str, Any]] = {
    Answer.EVENT_ID: {"description": "Durable.", "content": {"application/json": {"schema": _EVENT_ID}}},
    Answer.DASHED_EVENT_ID: {
        "description": "Accepted; a dashed UUID.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
    Answer.PIXEL: {"description": "Durable; a 26-byte image.", "content": {"image/gif": {"schema": _BINARY}}},
    Answer.EMPTY: {"description": "Accepted."},
    Answer.NEVER: {"description": "Never: uploads in pieces are refused with 403."},
}
_STATUSES = ("400", "401", "403", "404", "413", "429", "503")


def ingest_paths() -> dict[str, Any]:
    """Return the path items of the ingest endpoints."""
    return {
        endpoint.path: {
            operation.method.lower(): _document(endpoint, operation) for operation in endpoint.operations
        }
        for endpoint in ENDPOINTS
    }


def _document(endpoint: Endpoint, operation: Operation) -> dict[str, Any]:
    success = {str(operation.status): _ANSWERS[operation.answer]}
    document: dict[str, Any] = {
        "tags": ["ingest"],
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "parameters": [*(_parameter(name) for name in endpoint.parameters), _KEY],
        "responses": {**success, "415": _UNSUPPORTED, **dict.fromkeys(_STATUSES, _ERROR)},
    }
    if operation.content_types:
        content = {kind: {"schema": _BINARY} for kind in operation.content_types}
        document["requestBody"] = {"required": False, "content": content}
    return document


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, **_PARAMETERS.get(name, _OTHER_PARAMETER)}
