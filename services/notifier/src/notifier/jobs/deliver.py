"""Deliver periodically."""

import asyncio
from collections.abc import Callable
from typing import Final

from hearback_fleet.runtime import ServiceRuntime
from hearback_kit.mail import mail_transport
from hearback_kit.worker import Periodic

from notifier.clients.outbound import OutboundCalls
from notifier.domain.mail import Renderer
from notifier.service.attempt_delivery import DeliveryAttempts
from notifier.service.deliver_mails import DeliverMails
from notifier.service.deliver_webhooks import DeliverWebhooks
from notifier.settings import Settings

WEBHOOKS_SECONDS_MIN: Final = 0.05  # between two searches for due webhooks, so that places are filled together


class WebhookDelivery:
    """Begins webhooks that are due every `seconds`, when woken, and when others have ended."""

    def __init__(self, deliver: DeliverWebhooks, seconds: float) -> None:
        name = "deliver webhook"
        self._deliver = deliver
        self._beginning = Periodic(name, seconds, deliver.begin_due, seconds_min=WEBHOOKS_SECONDS_MIN)
        deliver.on_free = self.wake

    def wake(self) -> None:
        """Look for what is due before its time."""
        self._beginning.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Begin what is due until `stop` is set, then wait for what is under way; when cancelled, cancel it."""
        try:
            await self._beginning.run(stop)
            await self._deliver.finish()
        finally:
            self._deliver.cancel()


def add_delivery(
    runtime: ServiceRuntime, settings: Settings, calls: OutboundCalls, render: Renderer
) -> Callable[[], None]:
    """Deliver what is due every `deliver_seconds`, mails apart from webhooks; return the function that wakes both.

    Webhooks are as slow as their receivers, and no mail waits for them.
    """
    mail = mail_transport(
        settings.smtp_url,
        settings.data_dir,
        connections_max=settings.smtp_connections_max,
        seconds_max=settings.smtp_seconds_max,
    )
    runtime.on_close(mail.close)
    used = settings, runtime.database, runtime.clock
    attempts = DeliveryAttempts(*used, mail=mail, calls=calls, render=render)
    mails = runtime.every("deliver email", settings.deliver_seconds, DeliverMails(*used, attempts).run_once)
    webhooks = WebhookDelivery(DeliverWebhooks(*used, attempts), settings.deliver_seconds)
    runtime.run("deliver webhook", webhooks)

    def wake() -> None:
        mails.wake()
        webhooks.wake()

    return wake
