"""`/api/embed/error-page/`: the dialog's script, its form, and the preflight (protocol: dialog#checks).

Every method goes through the same checks; any but OPTIONS and POST gets the script.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from typing import Final, NoReturn

from fastapi import APIRouter, Request
from hearback_contracts.config import KeyConfig, ProjectConfig
from hearback_contracts.flags import Feature
from hearback_contracts.outcomes import Outcome
from hearback_contracts.rate_limits import longest
from hearback_contracts.reasons import Reason
from hearback_fleet.access import state_of
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.values.origins import is_origin_allowed, page_of
from starlette.responses import Response

from crash_embed import errors
from crash_embed.api.deps import AppState
from crash_embed.api.forms import read_form
from crash_embed.api.openapi import (
    FORM_BODY,
    FORM_RESPONSES,
    OPTIONAL_PARAMETERS,
    PARAMETERS,
    PATH,
    PREFLIGHT_RESPONSES,
    REFUSAL_RESPONSES,
    SCRIPT_RESPONSES,
)
from crash_embed.api.params import EmbedRequest, parse_request
from crash_embed.api.serializers import json_answer, not_modified_answer, refusal_answer, script_answer
from crash_embed.domain.appearance import Appearance
from crash_embed.domain.form import Form, check_form
from crash_embed.domain.languages import choose_language
from crash_embed.domain.parameters import SHOWN_PARAMETERS, parse_dsn, read_event_id
from crash_embed.domain.report import SOURCE, Sender
from crash_embed.metrics import FORMS, MARKS, REFUSALS, SCRIPTS
from crash_embed.service.check_limits import Kind
from crash_embed.service.render_dialog import DialogCall

PATHS = frozenset({PATH, PATH.rstrip("/")})
# The reason and the metric label of forms that are not read, by check.
_UNREAD: Final = {
    "size": (Reason.TOO_LARGE_USER_REPORT, "too_large"),
    "encoding": (Reason.PAYLOAD, "encoded"),
}
_log = get_logger(__name__)

router = APIRouter(tags=["dialog"], default_response_class=Response)


class EmbedEndpoint:
    """Answers requests for the dialog after the checks, in the protocol's order."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    async def answer(self, http_request: Request) -> Response:
        """Return the answer to a request of any method; never raises."""
        request = parse_request(http_request, self._state.proxies)
        try:
            return await self._handle(request, http_request)
        except errors.Refusal as refusal:
            REFUSALS.labels(refusal.check).inc()
            return refusal_answer(request, refusal)
        except Unavailable as problem:
            return refusal_answer(request, errors.unavailable(problem.detail))
        except Exception as problem:
            _log.error("request_failed", method=request.method, exc_info=problem)
            return refusal_answer(request, errors.internal())

    async def _handle(self, request: EmbedRequest, http_request: Request) -> Response:
        event_id = read_event_id(request.parameters)
        # An empty id shows the dialog, but a form without any is refused: no SDK sends one.
        if event_id is None or (request.method == "POST" and not event_id):
            raise errors.invalid_event_id()
        project, key, project_id = await self._find_project(request)
        sender = Sender(project, key.id, event_id, self._state.clock.now(), request.address)
        if not key.is_active or project.id != project_id:
            await self._reject(request, sender, Reason.PROJECT_ID, errors.unknown_dsn())
        patterns = (*project.origins, *self._state.origins)
        if not is_origin_allowed(page_of(request.origin, request.referer), patterns):
            await self._reject(request, sender, Reason.CORS, errors.forbidden_origin())
        if request.method == "OPTIONS":
            return json_answer(request, 200)
        if request.method == "POST":
            return await self._take_form(request, http_request, sender)
        seconds = await self._state.limits.retry_after(Kind.SCRIPT, project.id, request.address)
        if seconds:
            raise errors.too_many(seconds)
        return self._serve_script(request, project)

    async def _reject(
        self, request: EmbedRequest, sender: Sender, reason: Reason, refusal: errors.Refusal
    ) -> NoReturn:
        """Raise a refusal; one of a form is recorded first, and one of a script counted."""
        if request.method == "POST":
            await self._refuse(sender, reason, result=reason)
        elif request.method == "GET":
            await self._count_unshown(sender, reason)
        raise refusal

    async def _count_unshown(self, sender: Sender, reason: Reason) -> None:
        """Count a dialog that is not shown, within limits as scripts have; while Valkey is away none is."""
        if not await self._state.limits.retry_after(Kind.REFUSED_SCRIPT, sender.project.id, sender.address):
            with suppress(Unavailable):
                await self._state.publisher.count_unshown(sender, reason)

    async def _find_project(self, request: EmbedRequest) -> tuple[ProjectConfig, KeyConfig, int]:
        """Return the project and key of the DSN's public key, and the project id that the DSN names."""
        dsn = parse_dsn(request.parameters.get("dsn"))
        if dsn is None:
            raise errors.unknown_dsn()
        configuration = self._state.configuration
        project = configuration.peek_project_by_key(dsn.public_key)
        if project is None:
            project = await configuration.project_by_key(dsn.public_key)
        key = project.key(dsn.public_key) if project else None
        if project is None or key is None:
            raise errors.unknown_dsn()
        return project, key, dsn.project_id

    async def _take_form(self, request: EmbedRequest, http_request: Request, sender: Sender) -> Response:
        settings = self._state.settings
        seconds = await self._state.limits.retry_after(Kind.FORM, sender.project.id, sender.address)
        if seconds:
            await self._refuse_for_now(sender, Reason.RATE_LIMITED, seconds)
        try:
            given = await read_form(
                http_request, bytes_max=settings.body_bytes_max, fields_max=settings.form_fields_max
            )
        except errors.Refusal as refusal:
            reason, result = _UNREAD[refusal.check]
            await self._refuse(sender, reason, result=result)
            raise
        form = check_form(given, Appearance.of(sender.project), settings.fill_ms_min)
        if not isinstance(form, Form):
            FORMS.labels("invalid").inc()
            return json_answer(request, 400, {"errors": form}, context=True)
        await self._accept(sender, form)
        return json_answer(request, 200)

    async def _accept(self, sender: Sender, form: Form) -> None:
        if not sender.project.feature(Feature.INGEST):
            await self._refuse(sender, Reason.FEATURE_DISABLED, result=Reason.FEATURE_DISABLED)
            raise errors.feature_disabled()
        limits = await self._state.quotas.refusals(sender.project, sender.key_id, SOURCE)
        if limits:
            limit = longest(limits)
            await self._refuse_for_now(sender, limit.reason_code, ceil(limit.retry_after_seconds))
        with _counted("accepted"):
            await self._state.publisher.accept(sender, form)
        for mark in form.marks:
            MARKS.labels(mark).inc()

    async def _refuse_for_now(self, sender: Sender, reason: str | None, seconds: int) -> NoReturn:
        """Record a refusal by a limit or quota and raise it."""
        await self._refuse(sender, reason, Outcome.RATE_LIMITED, result=Reason.RATE_LIMITED)
        raise errors.too_many(seconds)

    async def _refuse(
        self, sender: Sender, reason: str | None, outcome: Outcome = Outcome.INVALID, *, result: str
    ) -> None:
        """Record the refusal; answer 503 if that fails."""
        with _counted(result):
            await self._state.publisher.refuse(sender, outcome, reason)

    def _serve_script(self, request: EmbedRequest, project: ProjectConfig) -> Response:
        parameters, script = request.parameters, self._state.script
        call = DialogCall(
            endpoint=f"{self._state.settings.public_url.rstrip('/')}{PATH}?{request.query}",
            language=choose_language(parameters.get("lang"), request.accept_language),
            appearance=Appearance.of(project),
            parameters=tuple((name, value) for name, value in parameters.items() if name in SHOWN_PARAMETERS),
        )
        etag = script.etag(call)
        if request.method in {"GET", "HEAD"} and etag in request.if_none_match:
            SCRIPTS.labels("304").inc()
            return not_modified_answer(etag)
        SCRIPTS.labels("200").inc()
        body = script.render_gzip(call) if request.accepts_gzip else script.render(call)
        return script_answer(request, body, etag, gzip=request.accepts_gzip)


@contextmanager
def _counted(result: str) -> Iterator[None]:
    """Count a form by its result, or as unavailable."""
    try:
        yield
    except Unavailable:
        FORMS.labels("unavailable").inc()
        raise
    FORMS.labels(result).inc()


# The operations as documented: the app answers before FastAPI's routing, which would cost more than the answer.


@router.get(
    PATH,
    operation_id="getErrorPageScript",
    summary="Get the dialog's script",
    responses=SCRIPT_RESPONSES | REFUSAL_RESPONSES,
    openapi_extra={"parameters": [*PARAMETERS, *OPTIONAL_PARAMETERS]},
)
@router.post(
    PATH,
    operation_id="sendErrorPageForm",
    summary="Submit the dialog's form",
    responses=FORM_RESPONSES | REFUSAL_RESPONSES,
    openapi_extra=FORM_BODY,
)
@router.options(
    PATH,
    operation_id="preflightErrorPage",
    summary="CORS preflight",
    responses=PREFLIGHT_RESPONSES | REFUSAL_RESPONSES,
    openapi_extra={"parameters": PARAMETERS},
)
async def error_page(request: Request) -> Response:
    """Answer a request for the dialog."""
    return await EmbedEndpoint(state_of(request)).answer(request)
