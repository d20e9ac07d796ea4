"""Put the service together: the HTTP app and the worker."""

from functools import partial

from fastapi import FastAPI
from hearback_contracts.streams import ATTACHMENT_STORED, FEEDBACK_SUBMITTED
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.clock import Clock
from hearback_kit.worker import Worker

from feedback import pages
from feedback.api import attachments, erasures, internal, issues, live, reprocessings, short_ids
from feedback.consumers.attachment_stored import handle_attachment_stored
from feedback.consumers.feedback_submitted import FeedbackSubmittedHandler
from feedback.jobs.announce_projects import announce_projects
from feedback.jobs.attachment_removal import delete_bytes, delete_orphans
from feedback.jobs.merge_search_indexes import PAUSE_SECONDS, MergeSearchIndexes
from feedback.jobs.retention import delete_expired, delete_expired_attachments
from feedback.jobs.second_opinions import spam_judge
from feedback.pages import PAGES
from feedback.service.app_state import AppState
from feedback.service.decide_submission import DecideSubmission
from feedback.service.find_error_events import ErrorEventIndex
from feedback.service.restore_announcements import restore_announcements
from feedback.service.store_submissions import StoreSubmissions
from feedback.settings import Settings
from feedback.store.tables import OUTBOX


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Return the HTTP app."""
    app = service_app(
        settings,
        title="Hearback feedback",
        description="Feedback as issues: lists, search, triage, export.",
        build=lambda runtime: AppState.of(runtime, settings),
        clock=clock,
        outbox=OUTBOX,
        restore=restore_announcements,
    )
    for module in (issues, short_ids, attachments, internal, erasures, reprocessings, live, pages):
        app.include_router(module.router)
    PAGES.install(app, settings, clock=clock)
    app.state.on_stopping.append(lambda: app.state.state.live.end())  # noqa: PLW0108 - there is none yet
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Return the consumers and the periodic jobs."""

    def build(runtime: ServiceRuntime) -> None:
        unit_of_work, merge = UnitOfWork.of(runtime), MergeSearchIndexes(runtime.database)
        decide = DecideSubmission(runtime.configuration, settings, spam_judge(runtime, settings))
        store = StoreSubmissions(unit_of_work, decide, settings, merge.count)
        submitted = FeedbackSubmittedHandler(unit_of_work, store)
        consume = partial(runtime.consume, batch_max=settings.batch_max, consumers=settings.consumers)
        consume(FEEDBACK_SUBMITTED, submitted, on_dead=submitted.on_dead, read_barrier=runtime.read_barrier)
        consume(ATTACHMENT_STORED, partial(handle_attachment_stored, unit_of_work))
        announce = partial(announce_projects, runtime.database, runtime.registry)
        runtime.every("announce", settings.announce_seconds, announce)
        merge.wake = runtime.every("search-indexes", PAUSE_SECONDS, merge).wake
        blobs = partial(delete_bytes, runtime.database, runtime.blobs)
        runtime.every("attachment-bytes", settings.blob_delete_seconds, blobs)
        orphans = partial(delete_orphans, unit_of_work, ErrorEventIndex.of(runtime, settings), settings)
        runtime.every("attachment-orphans", settings.retention_seconds, orphans)
        for name, delete in (("retention", delete_expired), ("attachment-retention", delete_expired_attachments)):
            job = partial(delete, unit_of_work, runtime.configuration, settings)
            runtime.every(name, settings.retention_seconds, job)

    return service_worker(settings, build=build, clock=clock, outbox=OUTBOX, restore=restore_announcements)
