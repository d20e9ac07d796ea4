"""Put the notifier together: the HTTP app and the worker."""

from collections.abc import Awaitable, Callable, Sequence

from fastapi import FastAPI
from hearback_contracts.streams import ALERT_CHANGED, FEEDBACK_CHANGED, FEEDBACK_CREATED, USER_REPORT_LINKED
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_kit.bus import Incoming
from hearback_kit.bus.consumer import Handler
from hearback_kit.clock import Clock
from hearback_kit.worker import Worker

from notifier.api import deliveries, erasures, notification_rules
from notifier.clients.mail import mail_transport
from notifier.clients.outbound import OutboundCalls
from notifier.clients.recipients import RecipientDirectory
from notifier.consumers.alert_changed import AlertChangedHandler
from notifier.consumers.feedback_changed import FeedbackChangedHandler
from notifier.consumers.feedback_created import FeedbackCreatedHandler
from notifier.consumers.user_report_linked import UserReportLinkedHandler
from notifier.jobs.deliver import Deliver
from notifier.jobs.retention import Retention
from notifier.pages import alerts
from notifier.pages import deliveries as delivery_pages
from notifier.pages.deps import PAGES
from notifier.service.address_notices import Context
from notifier.service.assemble_app import AppState
from notifier.service.deliver_notices import DeliverNotices
from notifier.service.render_mail import mail_renderer
from notifier.settings import Settings
from notifier.store.tables import OUTBOX

DESCRIPTION = "Notification rules, their tests, and the log of what was sent to whom."


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Make the HTTP app; it connects when it starts."""

    def build(runtime: ServiceRuntime) -> AppState:
        return AppState(settings, runtime.database, runtime.clock, _calls(settings, runtime))

    app = service_app(settings, title="Hearback notifier", description=DESCRIPTION, build=build, clock=clock)
    for module in (notification_rules, deliveries, erasures):
        app.include_router(module.router)
    PAGES.install(app, settings, clock=clock)
    for page in (alerts, delivery_pages):
        app.include_router(page.router)
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Make the worker: the streams of what people may be notified of, delivery, and retention."""

    def build(runtime: ServiceRuntime) -> None:
        context = Context(
            settings,
            runtime.database,
            runtime.outbox,
            runtime.relay,
            runtime.clock,
            runtime.configuration,
            RecipientDirectory(runtime.registry, runtime.configuration, seconds=settings.recipients_seconds),
        )
        mail = mail_transport(settings)
        runtime.on_close(mail.close)
        deliver = DeliverNotices(
            settings,
            runtime.database,
            runtime.clock,
            mail=mail,
            calls=_calls(settings, runtime),
            render=mail_renderer(),
        )
        delivering = runtime.every("deliver", settings.deliver_seconds, Deliver(deliver).run_once)
        for stream, handler in (
            (FEEDBACK_CREATED, FeedbackCreatedHandler(context)),
            (FEEDBACK_CHANGED, FeedbackChangedHandler(context)),
            (USER_REPORT_LINKED, UserReportLinkedHandler(context)),
            (ALERT_CHANGED, AlertChangedHandler(context)),
        ):
            runtime.consume(stream, _followed_by(handler, delivering.wake), batch_max=settings.batch_max)
        retention = Retention(runtime.database, settings, runtime.clock)
        runtime.every("retention", settings.retention_seconds, retention.run_once)

    return service_worker(settings, build=build, clock=clock, outbox=OUTBOX)


def _followed_by(handler: Callable[[Sequence[Incoming]], Awaitable[bool]], wake: Callable[[], None]) -> Handler:
    async def handle(batch: Sequence[Incoming]) -> None:
        if await handler(batch):
            wake()

    return handle


def _calls(settings: Settings, runtime: ServiceRuntime) -> OutboundCalls:
    calls = OutboundCalls(seconds_max=settings.webhook_seconds_max, allowed_hosts=settings.allowed_hosts)
    runtime.on_close(calls.close)
    return calls
