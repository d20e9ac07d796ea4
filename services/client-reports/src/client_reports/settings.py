"""Settings of client-reports."""

from typing import ClassVar

from hearback_kit.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of client-reports; its own are read from `CLIENT_REPORTS_…` variables."""

    model_config = SettingsConfigDict(env_prefix="CLIENT_REPORTS_")
    service: ClassVar[str] = "client-reports"

    minutes_days_max: int = Field(7, ge=1, le=30, description="Days that counters by the minute are kept.")
    hours_days_max: int = Field(90, ge=7, le=400, description="Days that counters by the hour are kept.")
    days_days_max: int = Field(730, ge=90, le=3_650, description="Days that counters by the day are kept.")
    submissions_days_max: int = Field(
        30, ge=1, le=365, description="Days that the journal of submissions is kept."
    )
    processed_days_max: int = Field(
        7, ge=1, le=60, description="Days within which a repeated message is not counted again."
    )
    report_days_max: int = Field(
        90,
        ge=1,
        le=365,
        description="Maximum age of a client report, for projects without a retention of their own.",
    )
    series_per_hour_max: int = Field(
        2_000,
        ge=10,
        le=100_000,
        description="Combinations of category, outcome, reason, key and SDK that are counted apart per project and"
        " hour; the rest counts as `other`.",
    )
    steps_max: int = Field(100, ge=10, le=1_000, description="Steps kept of one submission.")
    payloads_max: int = Field(
        10, ge=1, le=100, description="Refused attempts of one submission whose words are kept."
    )
    submissions_per_day_max: int = Field(
        5_000_000, ge=100, le=1_000_000_000, description="Submissions that the journal takes per project and day."
    )
    payload_mib_per_day_max: int = Field(
        64, ge=1, le=65_536, description="MiB of refused submissions' words that are kept per project and day."
    )
    request_body_bytes_max: int = Field(65_536, ge=4_096, le=10_485_760, description="Bytes of a request's body.")
    batch_max: int = Field(1_000, ge=1, le=10_000, description="Messages recorded in one transaction.")
    gather_ms_max: int = Field(
        1_000,
        ge=0,
        le=1_000,
        description="Under load, milliseconds a message waits for others to be recorded in the same transaction;"
        " reading an undecided fate ends the wait.",
    )
    points_max: int = Field(2_400, ge=100, le=20_000, description="Intervals of one `stats_v2` answer.")
    groups_max: int = Field(
        10_000,
        ge=10,
        le=100_000,
        description="Groups of one `stats_v2` answer; beyond them the smallest reasons and SDKs are `other`.",
    )
    rules_max: int = Field(100, ge=1, le=1_000, description="Alert rules of one organization.")
    rules_per_project_max: int = Field(50, ge=1, le=1_000, description="Alert rules of one project.")
    alert_seconds: float = Field(20.0, ge=0.05, le=600, description="Interval between evaluations of alert rules.")
    alert_resolve_minutes: float = Field(
        5.0, ge=0, le=1_440, description="Minutes that a value must stay low before an alert is resolved."
    )
    alert_resolve_share: float = Field(
        0.9, gt=0, le=1, description="Share of the threshold up to which a value counts as low."
    )
    alert_events_max: int = Field(100, ge=1, le=1_000, description="Changes kept in the history of a rule.")
    maintenance_seconds: float = Field(
        600.0, ge=0.05, le=3_600, description="Interval between rounds of making and dropping partitions."
    )
