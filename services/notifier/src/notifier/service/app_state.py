"""What the routes and pages of the running app work with."""

from dataclasses import dataclass

from hearback_fleet.unit_of_work import UnitOfWork
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
    unit_of_work: UnitOfWork
    calls: OutboundCalls
