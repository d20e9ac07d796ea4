"""Put the service together: the HTTP app and the worker."""

from functools import partial

from fastapi import FastAPI
from hearback_contracts.streams import ATTACHMENT_STORED, FEEDBACK_SUBMITTED
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.clock import Clock
from hearback_kit.worker import Worker

from feedback.api import attachments, erasures, internal, issues, live, reprocessings, short_ids
from feedback.consumers.attachment_stored import handle_attachment_stored
from feedback.consumers.feedback_submitted import FeedbackSubmittedHandler
from feedback.jobs.announcements import add_announcements
from feedback.jobs.attachment_removal import add_attachment_removal
from feedback.jobs.retention import add_retention
from feedback.jobs.search_indexes import add_search_indexes
from feedback.jobs.second_opinions import spam_judge
from feedback.pages import PAGES
from feedback.pages import router as pages
from feedback.service.app_state import AppState
from feedback.settings import Settings
from feedback.store.tables import OUTBOX


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Return the HTTP app."""

    def build(runtime: ServiceRuntime) -> AppState:
        return AppState.of(runtime, settings)

    app = service_app(
        settings,
        title="Hearback feedback",
        description="Feedback as issues: lists, search, triage, export.",
        build=build,
        clock=clock,
        outbox=OUTBOX,
    )
    for router in (
        issues.router,
        short_ids.router,
        attachments.router,
        internal.router,
        erasures.router,
        reprocessings.router,
        live.router,
        pages,
    ):
        app.include_router(router)
    PAGES.install(app, settings, clock=clock)
    app.state.on_stopping.append(lambda: app.state.state.live.end())  # noqa: PLW0108 - there is none yet
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Return the consumers and the periodic jobs."""

    def build(runtime: ServiceRuntime) -> None:
        judge, count = spam_judge(runtime, settings), add_search_indexes(runtime)
        submitted = FeedbackSubmittedHandler.of(runtime, settings, judge, count)
        consume = partial(runtime.consume, batch_max=settings.batch_max, consumers=settings.consumers)
        consume(FEEDBACK_SUBMITTED, submitted, on_dead=submitted.on_dead, read_barrier=runtime.read_barrier)
        consume(ATTACHMENT_STORED, partial(handle_attachment_stored, UnitOfWork.of(runtime)))
        add_announcements(runtime, settings)
        add_retention(runtime, settings)
        add_attachment_removal(runtime, settings)

    return service_worker(settings, build=build, clock=clock, outbox=OUTBOX)
