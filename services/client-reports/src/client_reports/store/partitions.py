"""The partitioning of the tables by time."""

from collections.abc import Mapping
from typing import Final

from hearback_kit.db import Database
from hearback_kit.db.partitions import PartitionPlan, Partitions

from client_reports.settings import Settings

Plans = Mapping[str, PartitionPlan]
_LOCK: Final = "client-reports-partitions"
_STORAGE: Final = "WITH (fillfactor = 80)"


def plans_of(settings: Settings) -> Plans:
    """Return the plan of each partitioned table, by its name."""
    days = {  # of a partition, and those that are kept
        "counter_minutes": (1, settings.minutes_days_max),
        "counter_hours": (10, settings.hours_days_max),
        "counter_hour_totals": (10, settings.hours_days_max),
        "counter_days": (120, settings.days_days_max),
        "processed": (1, settings.processed_days_max),
        "submission": (5, settings.submissions_days_max),
        "refused_submission": (5, settings.submissions_days_max),
    }
    return {table: PartitionPlan(table, *spans, storage=_STORAGE) for table, spans in days.items()}


def partitions_of(database: Database, settings: Settings) -> Partitions:
    """Return what creates and drops the partitions."""
    return Partitions(database, list(plans_of(settings).values()), lock=_LOCK)
