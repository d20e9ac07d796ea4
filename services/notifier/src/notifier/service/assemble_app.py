"""What the running app holds, for the API and the pages alike."""

from dataclasses import dataclass

from hearback_kit.clock import Clock
from hearback_kit.db import Database

from notifier.clients.outbound import OutboundCalls
from notifier.settings import Settings


@dataclass(frozen=True, slots=True)
class AppState:
    """What the app holds while it runs (`app.state.state`)."""

    settings: Settings
    database: Database
    clock: Clock
    calls: OutboundCalls
