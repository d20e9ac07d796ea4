"""The partitioning of the tables by time."""

from dataclasses import dataclass
from typing import Final

from hearback_kit.db import Database
from hearback_kit.db.partitions import PartitionPlan, Partitions

from client_reports.settings import Settings

_LOCK: Final = "client-reports-partitions"
_STORAGE: Final = "WITH (fillfactor = 80)"


@dataclass(frozen=True, slots=True)
class Plans:
    """The plan of each partitioned table."""

    minutes: PartitionPlan
    hours: PartitionPlan
    hour_totals: PartitionPlan
    days: PartitionPlan
    processed: PartitionPlan
    submissions: PartitionPlan
    refused: PartitionPlan

    @classmethod
    def of(cls, settings: Settings) -> "Plans":
        """Return the plans for the settings."""

        def plan(table: str, days: int, days_max: int) -> PartitionPlan:
            return PartitionPlan(table, days, days_max, storage=_STORAGE)

        return cls(
            minutes=plan("counter_minutes", 1, settings.minutes_days_max),
            hours=plan("counter_hours", 10, settings.hours_days_max),
            hour_totals=plan("counter_hour_totals", 10, settings.hours_days_max),
            days=plan("counter_days", 120, settings.days_days_max),
            processed=plan("processed", 1, settings.processed_days_max),
            submissions=plan("submission", 5, settings.submissions_days_max),
            refused=plan("refused_submission", 5, settings.submissions_days_max),
        )


def partitions_of(database: Database, plans: Plans) -> Partitions:
    """Return the manager of the partitions."""
    return Partitions(database, [getattr(plans, name) for name in Plans.__dataclass_fields__], lock=_LOCK)
