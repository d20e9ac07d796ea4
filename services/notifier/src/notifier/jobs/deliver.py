"""Deliver periodically."""

from collections.abc import Callable

from hearback_fleet.runtime import ServiceRuntime
from hearback_kit.mail import mail_transport

from notifier.clients.outbound import OutboundCalls
from notifier.domain.mail import Renderer
from notifier.service.deliver_notices import DeliverNotices
from notifier.settings import Settings


def add_delivery(
    runtime: ServiceRuntime, settings: Settings, calls: OutboundCalls, render: Renderer
) -> Callable[[], None]:
    """Deliver what is due every `deliver_seconds`; return the function that wakes the job."""
    mail = mail_transport(
        settings.smtp_url,
        settings.data_dir,
        connections_max=settings.smtp_connections_max,
        seconds_max=settings.smtp_seconds_max,
    )
    runtime.on_close(mail.close)
    deliver = DeliverNotices(settings, runtime.database, runtime.clock, mail=mail, calls=calls, render=render)
    return runtime.every("deliver", settings.deliver_seconds, deliver.run_once).wake
