"""Weekly partitions of the event index: made ahead, dropped when retention has passed.

A week keeps the number of partitions small (a lookup by event id visits each of them) and is fine
enough for a retention counted in days; projects that keep less lose their rows chunk by chunk.
Events of a week without a partition fall into `events_default` and are moved once it is made.
"""

from hearback_kit.db import Database
from hearback_kit.db.partitions import MONDAY, PartitionPlan, Partitions


def events_plan(*, retention_days: int, weeks_ahead: int) -> PartitionPlan:
    """Return how the table of events is partitioned."""
    return PartitionPlan(
        table="events",
        days=7,
        days_max=retention_days,
        days_ahead=7 * weeks_ahead,
        origin=MONDAY,
        past=False,
        default="events_default",
        name_format="%Y_%m_%d",
    )


def open_partitions(database: Database, plan: PartitionPlan) -> Partitions:
    """Return what makes and drops the partitions."""
    return Partitions(database, [plan], lock="user-reports-partitions")
