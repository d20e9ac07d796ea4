"""Weekly partitions of the event index, created ahead and dropped after the retention.

Weeks keep the number of partitions small, as a lookup by event id visits all of them. Rows of projects with a
shorter retention are deleted in chunks. Events without a partition go to `events_default` and are moved once their
partition exists.
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
    """Return the manager of the partitions."""
    return Partitions(database, [plan], lock="user-reports-partitions")
