"""What the routes and pages of the running app work with."""

from dataclasses import dataclass

from hearback_kit.bus.read_barrier import ReadBarrier
from hearback_kit.clock import Clock
from hearback_kit.db import Database

from client_reports.service.accept_submission import SubmissionAcceptance
from client_reports.settings import Settings


@dataclass(frozen=True, slots=True)
class AppState:
    """What the app holds while it runs (`app.state.state`)."""

    settings: Settings
    database: Database
    clock: Clock
    acceptance: SubmissionAcceptance
    read_barrier: ReadBarrier
