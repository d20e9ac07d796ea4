"""Put the notifier together: the HTTP app and the worker."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from fastapi import FastAPI
from hearback_contracts.streams import ALERT_CHANGED, FEEDBACK_CHANGED, FEEDBACK_CREATED, USER_REPORT_LINKED
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.bus import Incoming
from hearback_kit.bus.consumer import Handler
from hearback_kit.clock import Clock
from hearback_kit.worker import Worker

from notifier.api import deliveries, erasures, notification_rules
from notifier.clients.outbound import OutboundCalls
from notifier.clients.recipients import RecipientDirectory
from notifier.consumers.alert_changed import handle_alert_changed
from notifier.consumers.feedback_changed import handle_feedback_changed
from notifier.consumers.feedback_created import handle_feedback_created
from notifier.consumers.user_report_linked import handle_user_report_linked
from notifier.jobs.deliver import add_delivery
from notifier.jobs.measure import MEASURE_SECONDS, measure
from notifier.jobs.retention import remove_old
from notifier.pages import alerts
from notifier.pages import deliveries as delivery_pages
from notifier.pages.deps import PAGES
from notifier.service.address_notices import Context
from notifier.service.app_state import AppState
from notifier.service.render_mail import mail_renderer
from notifier.settings import Settings
from notifier.store.tables import OUTBOX

DESCRIPTION = "Notification rules, their tests, and the log of what was sent to whom."


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Return the HTTP app; it connects on startup."""

    def build(runtime: ServiceRuntime) -> AppState:
        return AppState(
            settings, runtime.database, runtime.clock, UnitOfWork.of(runtime), _calls(settings, runtime)
        )

    app = service_app(
        settings, title="Hearback notifier", description=DESCRIPTION, build=build, clock=clock, outbox=OUTBOX
    )
    for module in (notification_rules, deliveries, erasures):
        app.include_router(module.router)
    PAGES.install(app, settings, clock=clock)
    for page in (alerts, delivery_pages):
        app.include_router(page.router)
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Return the worker: the consumers of notices, delivery, and retention."""
    render = mail_renderer()

    def build(runtime: ServiceRuntime) -> None:
        configuration = runtime.configuration
        members = RecipientDirectory(runtime.registry, configuration, seconds=settings.recipients_seconds)
        own = {"settings": settings, "bus": runtime.bus, "configuration": configuration, "recipients": members}
        context = Context.of(runtime, **own)
        wake = add_delivery(runtime, settings, _calls(settings, runtime), render)
        for stream, handle in (
            (FEEDBACK_CREATED, handle_feedback_created),
            (FEEDBACK_CHANGED, handle_feedback_changed),
            (USER_REPORT_LINKED, handle_user_report_linked),
            (ALERT_CHANGED, handle_alert_changed),
        ):
            runtime.consume(stream, _followed_by(partial(handle, context), wake), batch_max=settings.batch_max)
        runtime.every("measure", MEASURE_SECONDS, partial(measure, runtime.database))
        remove = partial(remove_old, runtime.database, settings, runtime.clock)
        runtime.every("retention", settings.retention_seconds, remove)

    return service_worker(settings, build=build, clock=clock, outbox=OUTBOX)


def _followed_by(handler: Callable[[Sequence[Incoming]], Awaitable[bool]], wake: Callable[[], None]) -> Handler:
    async def handle(batch: Sequence[Incoming]) -> None:
        may_be_due = True  # after a failure: deliveries may be stored, which the repeated batch does not report
        try:
            may_be_due = await handler(batch)
        finally:
            if may_be_due:
                wake()

    return handle


def _calls(settings: Settings, runtime: ServiceRuntime) -> OutboundCalls:
    calls = OutboundCalls(seconds_max=settings.webhook_seconds_max, allowed_hosts=settings.webhook_hosts_allowed)
    runtime.on_close(calls.close)
    return calls
