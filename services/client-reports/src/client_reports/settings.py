"""What client-reports can be told."""

from typing import ClassVar

from hearback_kit.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of client-reports; its own are read from `CLIENT_REPORTS_…` variables."""

    model_config = SettingsConfigDict(
        env_prefix="CLIENT_REPORTS_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        env_ignore_empty=True,
    )
    service: ClassVar[str] = "client-reports"

    minutes_days_max: int = Field(7, ge=1, le=30, description="Days that counters by the minute are kept.")
    hours_days_max: int = Field(90, ge=7, le=400, description="Days that counters by the hour are kept.")
    days_days_max: int = Field(730, ge=90, le=3_650, description="Days that counters by the day are kept.")
    submissions_days_max: int = Field(
        30, ge=1, le=365, description="Days that the journal of submissions is kept."
    )
    processed_days_max: int = Field(
        7, ge=1, le=60, description="Days within which a message that comes again is not counted again."
    )
    report_days_max: int = Field(
        90, ge=1, le=365, description="Age up to which a client report counts, for projects without an own rule."
    )
    steps_max: int = Field(100, ge=10, le=1_000, description="Steps kept of one submission.")
    batch_max: int = Field(1_000, ge=1, le=10_000, description="Messages counted in one transaction.")
    points_max: int = Field(2_400, ge=100, le=20_000, description="Intervals that one stats answer may have.")
    groups_max: int = Field(10_000, ge=10, le=100_000, description="Groups that one stats answer may have.")
    rules_max: int = Field(100, ge=1, le=1_000, description="Alert rules of one organization.")
    alert_seconds: float = Field(20.0, ge=0.05, le=600, description="Pause between two looks at the alert rules.")
    alert_resolve_minutes: float = Field(
        5.0, ge=0, le=1_440, description="Minutes that a value must stay low before an alert is resolved."
    )
    alert_resolve_share: float = Field(
        0.9, gt=0, le=1, description="Part of the threshold that a value must not pass to count as low."
    )
    alert_events_max: int = Field(100, ge=1, le=1_000, description="Changes shown in the history of a rule.")
    maintenance_seconds: float = Field(
        600.0, ge=0.05, le=3_600, description="Pause between two rounds of making and dropping partitions."
    )
