"""Settings of this service (environment `USER_REPORTS_…`)."""

from typing import ClassVar

from hearback_kit.settings import ServiceSettings, fleet
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of user-reports; durations and sizes carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix="USER_REPORTS_")
    service: ClassVar[str] = "user-reports"

    events_batch_max: int = Field(
        256,
        ge=1,
        le=2_000,
        description="Error events indexed in one transaction; each takes an entry of PostgreSQL's lock table.",
    )
    reports_batch_max: int = Field(256, ge=1, le=2_000, description="Reports saved in one transaction.")
    event_age_minutes_max: int = Field(
        30, ge=1, le=10_080, description="A report about an event older than this is refused."
    )
    overwrite_minutes_max: int = Field(
        5, ge=0, le=1_440, description="Time after a report in which another replaces it."
    )
    sweep_seconds: float = Field(900, ge=1, le=86_400, description="Pause between sweeps for late events.")
    sweep_reports_hours: float = Field(
        24, ge=0.1, le=2_160, description="Age up to which the sweep looks at a waiting report."
    )
    sweep_events_hours: float = Field(
        24, ge=0, le=2_160, description="How much earlier than the oldest such report an event may have come."
    )
    sweep_future_minutes: float = Field(
        5, ge=0, le=1_440, description="How far in the future a report's time may lie for the sweep."
    )
    sweep_chunk_max: int = Field(2_000, ge=1, le=10_000, description="Waiting reports looked at in one query.")
    sweep_deadline_seconds: float = Field(
        30, ge=0.1, le=3_600, description="Time of one sweep; the next one goes on where it ended."
    )
    retention_days: int = Field(90, ge=1, le=3_650, description="Days that events and reports are kept at most.")
    retention_seconds: float = Field(3_600, ge=1, le=86_400, description="Pause between runs of retention.")
    retention_chunk_max: int = Field(5_000, ge=1, le=100_000, description="Rows deleted in one transaction.")
    partition_weeks_ahead: int = Field(4, ge=1, le=52, description="Weekly partitions made ahead of time.")
    feedback_url: str = fleet(
        "feedback_url", "", "Address of feedback; unset, ids of feedback are not found through user-reports."
    )
    group_events_max: int = Field(
        1_000, ge=1, le=10_000, description="Events of a group, the newest ones, whose tags are counted."
    )
    posts_per_minute_max: int = Field(
        300, ge=1, le=1_000_000, description="Reports one address may post over HTTP in a minute."
    )
    request_body_bytes_max: int = Field(100_000, ge=1_000, le=10_000_000, description="Size of a posted report.")
    per_page_max: int = Field(100, ge=1, le=1_000, description="Rows of a page; also the default.")
    export_rows_max: int = Field(1_000_000, ge=1, le=100_000_000, description="Rows of an export.")
