"""Settings of client-reports."""

from typing import ClassVar

from hearback_kit.settings import ServiceSettings, bounded
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of client-reports; its own are read from `CLIENT_REPORTS_…` variables."""

    model_config = SettingsConfigDict(env_prefix="CLIENT_REPORTS_")
    service: ClassVar[str] = "client-reports"

    minutes_days_max: int = bounded(7, 1, 30, "Days that per-minute counters are kept.")
    hours_days_max: int = bounded(90, 7, 400, "Days that hourly counters are kept.")
    days_days_max: int = bounded(730, 90, 3_650, "Days that daily counters are kept.")
    submissions_days_max: int = bounded(30, 1, 365, "Days that the journal of submissions is kept.")
    processed_days_max: int = bounded(7, 1, 60, "Days within which a repeated message is not counted again.")
    report_days_max: int = bounded(
        90, 1, 365, "Maximum age of a client report, for projects without a retention of their own."
    )
    series_per_hour_max: int = bounded(
        2_000,
        10,
        100_000,
        "Combinations of category, outcome, reason, key and SDK that are counted apart per project and"
        " hour; the rest counts as `other`.",
    )
    steps_max: int = bounded(100, 10, 1_000, "Steps kept of one submission.")
    payloads_max: int = bounded(10, 1, 100, "Refused attempts of one submission whose words are kept.")
    submissions_per_day_max: int = bounded(
        5_000_000, 100, 1_000_000_000, "Submissions that the journal takes per project and day."
    )
    payload_mib_per_day_max: int = bounded(
        64, 1, 65_536, "MiB of refused submissions' words that are kept per project and day."
    )
    request_body_bytes_max: int = bounded(65_536, 4_096, 10_485_760, "Bytes of a request's body.")
    batch_max: int = bounded(1_000, 1, 10_000, "Messages recorded in one transaction.")
    gather_ms_max: int = bounded(
        2_000,
        0,
        5_000,
        "Under load, milliseconds a message waits for others to be recorded in the same transaction;"
        " whoever reads fates or statistics ends the wait.",
    )
    hold_ms_max: int = bounded(
        10_000,
        0,
        60_000,
        "Milliseconds that steps of a submission wait for those that follow, to be recorded with them, at most a"
        " third of `HEARBACK_CONSUMER_IDLE_MS_MIN`; whoever reads fates or statistics ends the wait.",
    )
    held_steps_max: int = bounded(
        30_000,
        1_000,
        1_000_000,
        "Steps that wait in memory for those that follow; beyond them the oldest are recorded.",
    )
    points_max: int = bounded(2_400, 100, 20_000, "Intervals of one `stats_v2` answer.")
    groups_max: int = bounded(
        10_000,
        10,
        100_000,
        "Groups of one `stats_v2` answer; beyond them the smallest reasons and SDKs are `other`.",
    )
    rules_max: int = bounded(100, 1, 1_000, "Alert rules of one organization.")
    rules_per_project_max: int = bounded(50, 1, 1_000, "Alert rules of one project.")
    alert_seconds: float = bounded(20.0, 0.05, 600, "Interval between evaluations of alert rules.")
    alert_resolve_minutes: float = bounded(
        5.0, 0, 1_440, "Minutes that a value must stay low before an alert is resolved."
    )
    alert_resolve_share: float = Field(
        0.9, gt=0, le=1, description="Share of the threshold up to which a value counts as low."
    )
    alert_events_max: int = bounded(100, 1, 1_000, "Changes kept in the history of a rule.")
    maintenance_seconds: float = bounded(
        600.0, 0.05, 3_600, "Interval between rounds of making and dropping partitions."
    )
