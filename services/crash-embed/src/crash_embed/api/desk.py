"""The checks in the reference's order, and what follows when they are passed (feedback-backend 6.1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hearback_contracts.config import KeyConfig, ProjectConfig
from hearback_contracts.reasons import Reason
from hearback_fleet.configuration import Configuration
from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.limits import Limit, subject_of
from starlette.requests import Request
from starlette.responses import Response

from crash_embed import errors
from crash_embed.api.answers import json_answer, script_answer, unchanged_answer
from crash_embed.api.bodies import read_form
from crash_embed.api.limits import SharedLimits
from crash_embed.api.publishing import Publisher
from crash_embed.api.requests import Ask, Networks
from crash_embed.api.script import Call, DialogScript
from crash_embed.domain.appearance import Appearance
from crash_embed.domain.form import Form, check_form
from crash_embed.domain.languages import choose_language
from crash_embed.domain.origins import is_allowed, page_of
from crash_embed.domain.parameters import TEXT_PARAMETERS, parse_dsn, read_event_id
from crash_embed.domain.report import Sender
from crash_embed.metrics import FORMS, MARKS, SCRIPTS
from crash_embed.settings import Settings

_SHOWN = frozenset((*TEXT_PARAMETERS, "name", "email", "nonce"))
INGEST_FEATURE = "organizations:user-feedback-ingest"


@dataclass(frozen=True)
class Desk:
    """What the routes need; the app's lifespan makes one."""

    settings: Settings
    proxies: Networks
    origins: tuple[str, ...]
    configuration: Configuration
    limits: SharedLimits
    publisher: Publisher
    script: DialogScript
    clock: Clock

    async def handle(self, ask: Ask, request: Request) -> Response:
        """The answer to a request; raises a Refusal."""
        event_id = read_event_id(ask.parameters)
        # An empty id shows the dialog, as ever, but a report that belongs to nothing is not taken.
        if event_id is None or (ask.method == "POST" and not event_id):
            raise errors.invalid_event_id()
        project, key = await self._find_project(ask)
        patterns = (*_origins(project), *self.origins)
        if not is_allowed(page_of(ask.origin, ask.referer), patterns):
            raise errors.forbidden_origin()
        if ask.method == "OPTIONS":
            return json_answer(ask, 200)
        if ask.method == "POST":
            sender = Sender(project, key.id, event_id, self.clock.now(), ask.address)
            return await self._handle_form(ask, request, sender)
        seconds = await self._seconds_to_wait(ask, project)
        if seconds:
            raise errors.too_many(seconds)
        return self._serve_script(ask, project)

    async def _find_project(self, ask: Ask) -> tuple[ProjectConfig, KeyConfig]:
        """The DSN's project; a key that is switched off counts as unknown, like everywhere else."""
        dsn = parse_dsn(ask.parameters.get("dsn"))
        if dsn is None:
            raise errors.unknown_dsn()
        project = self.configuration.peek_project_by_key(dsn.public_key)
        if project is None:
            project = await self.configuration.project_by_key(dsn.public_key)
        key = project.key(dsn.public_key) if project else None
        if project is None or key is None or not key.is_active or project.id != dsn.project_id:
            raise errors.unknown_dsn()
        return project, key

    async def _seconds_to_wait(self, ask: Ask, project: ProjectConfig) -> int:
        """Until the limits let this request pass; 0 when they do."""
        settings = self.settings
        is_post = ask.method == "POST"
        kind = "posts" if is_post else "scripts"
        per_project = settings.posts_per_project_max if is_post else settings.scripts_per_project_max
        per_address = settings.posts_per_address_max if is_post else settings.scripts_per_address_max
        window = settings.limit_window_seconds
        limits = [Limit(f"embed:{kind}:project:{project.id}", per_project, window, shift=project.id % window)]
        if ask.address:
            limits.append(Limit(f"embed:{kind}:address:{subject_of(ask.address)}", per_address, window))
        return max(await self.limits.check(limits))

    async def _handle_form(self, ask: Ask, request: Request, sender: Sender) -> Response:
        seconds = await self._seconds_to_wait(ask, sender.project)
        if seconds:
            await self._refuse(sender, Reason.RATE_LIMITED)
            raise errors.too_many(seconds)
        return await self._take_form(ask, request, sender)

    async def _take_form(self, ask: Ask, request: Request, sender: Sender) -> Response:
        settings = self.settings
        try:
            given = await read_form(
                request, bytes_max=settings.body_bytes_max, fields_max=settings.form_fields_max
            )
        except errors.Refusal:
            await self._refuse(sender, Reason.TOO_LARGE_USER_REPORT, result="too_large")
            raise
        form = check_form(given, Appearance.of(sender.project), settings.fill_ms_min)
        if not isinstance(form, Form):
            FORMS.labels("invalid").inc()
            return json_answer(ask, 400, {"errors": form}, context=True)
        await self._publish(sender, form)
        return json_answer(ask, 200)

    async def _publish(self, sender: Sender, form: Form) -> None:
        if not sender.project.feature(INGEST_FEATURE):
            await self._refuse(sender, Reason.FEATURE_DISABLED)
            raise errors.feature_disabled()
        with _counted("accepted"):
            await self.publisher.accept(sender, form)
        for mark in form.marks:
            MARKS.labels(mark).inc()

    async def _refuse(self, sender: Sender, reason: Reason, *, result: str = "") -> None:
        """Make the refusal's outcome and step durable; a refusal that cannot be told is answered 503."""
        with _counted(result or reason):
            await self.publisher.refuse(sender, reason)

    def _serve_script(self, ask: Ask, project: ProjectConfig) -> Response:
        parameters = ask.parameters
        call = Call(
            endpoint=ask.url,
            language=choose_language(parameters.get("lang"), ask.accept_language),
            appearance=Appearance.of(project),
            parameters=tuple((name, value) for name, value in parameters.items() if name in _SHOWN),
        )
        etag = self.script.etag(call)
        if ask.method in {"GET", "HEAD"} and etag in ask.if_none_match:
            SCRIPTS.labels("304").inc()
            return unchanged_answer(etag)
        SCRIPTS.labels("200").inc()
        body = self.script.render_gzip(call) if ask.accepts_gzip else self.script.render(call)
        return script_answer(ask, body, etag, gzip=ask.accepts_gzip)


@contextmanager
def _counted(result: str) -> Iterator[None]:
    """Count a form by its result, or as unavailable."""
    try:
        yield
    except Unavailable:
        FORMS.labels("unavailable").inc()
        raise
    FORMS.labels(result).inc()


def _origins(project: ProjectConfig) -> tuple[object, ...]:
    allowed = project.option("sentry:origins")
    if isinstance(allowed, str):
        return tuple(allowed.splitlines())
    return tuple(allowed) if isinstance(allowed, list) else ()
