"""The table of ingest endpoints: the source of their routes, methods, metric labels and OpenAPI document.

All of them answer CORS preflights the same (`serializers.send_preflight`): the protocol allows every origin.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from envelope_gateway.domain.sizes import MIB

_PARAMETER = re.compile(r"\{(\w+)\}")


class Handler(StrEnum):
    """The handler of an endpoint; `deps` binds each to an object."""

    ENVELOPES = "envelopes"
    STORE_EVENTS = "store_events"
    ATTACHMENTS = "attachments"
    MINIDUMPS = "minidumps"
    UNREAL_CRASHES = "unreal_crashes"
    SECURITY_REPORTS = "security_reports"
    DISCARDED_ITEMS = "discarded_items"


class Answer(StrEnum):
    """The success response in the OpenAPI document."""

    EVENT_ID = "event_id"
    DASHED_EVENT_ID = "dashed_event_id"
    PIXEL = "pixel"
    EMPTY = "empty"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Operation:
    """A documented method of an endpoint."""

    method: str
    operation_id: str
    summary: str
    status: int
    answer: Answer
    content_types: tuple[str, ...] = ("application/octet-stream",)


@dataclass(frozen=True, slots=True)
class DiscardRule:
    """How discarded data is counted, limited and answered.

    With a `feature` the answer is 403: the project does not have that feature.
    """

    item_type: str
    bytes_max: int
    feature: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An ingest endpoint. `name` is its metric label; `tail` is an optional pattern after `path`."""

    name: str
    path: str
    handler: Handler
    operations: tuple[Operation, ...]
    tail: str = ""
    discard: DiscardRule | None = None
    methods: frozenset[str] = field(init=False)
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        template = self.path.removesuffix("/") if self.tail.startswith("/") else self.path
        pattern = _PARAMETER.sub(r"(?P<\1>[^/]+)", template) + self.tail
        object.__setattr__(self, "methods", frozenset(operation.method for operation in self.operations))
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def parameters(self) -> list[str]:
        """The names of the path parameters, in order."""
        return _PARAMETER.findall(self.path)


_ENVELOPE_TYPES = ("application/x-sentry-envelope", "text/plain", "application/octet-stream")
_STORE_TYPES = ("application/json", "application/octet-stream", "text/plain")
_REPORT_TYPES = ("application/csp-report", "application/json", "application/reports+json")
_NOT_STORED = "Discard data that is not stored, and record that"


def _post(operation_id: str, summary: str, status: int, answer: Answer, *types: str) -> tuple[Operation]:
    kinds = types or ("application/octet-stream",)
    return (Operation("POST", operation_id, summary, status, answer, kinds),)


def _get(operation_id: str, summary: str, status: int, answer: Answer) -> tuple[Operation]:
    return (Operation("GET", operation_id, summary, status, answer, ()),)


def _store_operations(name: str, post_summary: str) -> tuple[Operation, ...]:
    return (
        *_post(name, post_summary, 200, Answer.EVENT_ID, *_STORE_TYPES),
        *_get(f"{name}ByImage", "Accept an event in `sentry_data`", 200, Answer.PIXEL),
    )


def _check_ins(name: str) -> tuple[Operation, ...]:
    return (
        *_post(name, _NOT_STORED, 202, Answer.EMPTY),
        *_get(f"{name}ByQuery", _NOT_STORED, 202, Answer.EMPTY),
    )


def _kept() -> Iterator[Endpoint]:
    project = "/api/{project_id}"
    yield Endpoint(
        "envelope",
        f"{project}/envelope/",
        Handler.ENVELOPES,
        _post("sendEnvelope", "Accept an envelope", 200, Answer.EVENT_ID, *_ENVELOPE_TYPES),
    )
    yield Endpoint(
        "store",
        f"{project}/store/",
        Handler.STORE_EVENTS,
        _store_operations("storeEvent", "Accept one event of an old client"),
    )
    yield Endpoint(
        "legacy_store",
        "/api/store/",
        Handler.STORE_EVENTS,
        _store_operations("storeEventOfKey", "Accept one event for the key's project"),
    )
    yield Endpoint(
        "attachments",
        f"{project}/events/{{event_id}}/attachments/",
        Handler.ATTACHMENTS,
        _post("sendAttachments", "Accept files for an event", 201, Answer.EMPTY, "multipart/form-data"),
    )


def _crashes() -> Iterator[Endpoint]:
    project, dashed = "/api/{project_id}", Answer.DASHED_EVENT_ID
    minidump = ("multipart/form-data", "application/octet-stream")
    yield Endpoint(
        "minidump",
        f"{project}/minidump/",
        Handler.MINIDUMPS,
        _post("sendMinidump", "Accept a minidump and what is known of its crash", 200, dashed, *minidump),
        "/?",
    )
    yield Endpoint(
        "unreal",
        f"{project}/unreal/{{public_key}}/",
        Handler.UNREAL_CRASHES,
        _post("sendUnrealReport", "Accept a crash report of the Unreal Engine", 200, dashed),
    )


def _security() -> Iterator[Endpoint]:
    for path, operation_id in (("security", "sendSecurityReport"), ("csp-report", "sendCspReport")):
        yield Endpoint(
            "security",
            f"/api/{{project_id}}/{path}/",
            Handler.SECURITY_REPORTS,
            _post(operation_id, _NOT_STORED, 200, Answer.EMPTY, *_REPORT_TYPES),
            discard=DiscardRule("security", MIB),
        )


def _discarded() -> Iterator[Endpoint]:
    check_in, log = DiscardRule("check_in", MIB), DiscardRule("log", 12 * MIB)
    yield _discard("nel", "/nel/", "", DiscardRule("nel", 12 * MIB), _ignored("sendNel"))
    yield _discard("cron", "/cron/{monitor_slug}/", "/?", check_in, _check_ins("sendCheckIn"))
    yield _discard("cron", "/cron/{monitor_slug}/{public_key}/", "/?", check_in, _check_ins("sendCheckInOfKey"))
    uploads = (
        *_post("createUpload", _NOT_STORED, 201, Answer.NEVER),
        Operation("PATCH", "continueUpload", _NOT_STORED, 204, Answer.NEVER),
    )
    rule = DiscardRule("attachment", 1024 * MIB, feature="FeatureDisabled(Uploads)")
    yield _discard("upload", "/upload/", ".*", rule, uploads)
    otlp = "/integration/otlp/v1"
    yield _discard("otlp_logs", f"{otlp}/logs", "/?", log, _ignored("sendOtlpLogs"))
    traces = DiscardRule("span", 12 * MIB)
    yield _discard("otlp_traces", f"{otlp}/traces", "/?", traces, _ignored("sendOtlpTraces"))
    yield _discard("integration", "/integration/{integration}", ".*", log, _ignored("sendIntegration"))


def _discard(name: str, path: str, tail: str, rule: DiscardRule, operations: tuple[Operation, ...]) -> Endpoint:
    return Endpoint(name, f"/api/{{project_id}}{path}", Handler.DISCARDED_ITEMS, operations, tail, rule)


def _ignored(operation_id: str) -> tuple[Operation, ...]:
    return _post(operation_id, _NOT_STORED, 200, Answer.EMPTY)


ENDPOINTS: tuple[Endpoint, ...] = (*_kept(), *_crashes(), *_security(), *_discarded())
