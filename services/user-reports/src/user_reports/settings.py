"""Settings of user-reports (environment `USER_REPORTS_…`)."""

from typing import ClassVar

from hearback_kit.settings import WEB_ADDRESS_OR_NONE, ServiceSettings, bounded, fleet
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of user-reports; durations and sizes carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix="USER_REPORTS_")
    service: ClassVar[str] = "user-reports"

    events_batch_max: int = bounded(
        256, 1, 2_000, "Error events indexed in one transaction; each takes an entry of PostgreSQL's lock table."
    )
    reports_batch_max: int = bounded(256, 1, 2_000, "Reports saved in one transaction.")
    event_age_minutes_max: int = bounded(30, 1, 10_080, "A report about an event older than this is refused.")
    overwrite_minutes_max: int = bounded(5, 0, 1_440, "Time after a report in which another replaces it.")
    sweep_seconds: float = bounded(900, 1, 86_400, "Pause between sweeps for late events.")
    sweep_reports_hours: float = bounded(24, 0.1, 2_160, "Age up to which the sweep looks at a waiting report.")
    sweep_events_hours: float = bounded(
        24, 0, 2_160, "How much earlier than the oldest such report an event may have come."
    )
    sweep_future_minutes: float = bounded(
        5, 0, 1_440, "How far in the future a report's time may lie for the sweep."
    )
    sweep_chunk_max: int = bounded(2_000, 1, 10_000, "Waiting reports looked at in one query.")
    sweep_deadline_seconds: float = bounded(
        30, 0.1, 3_600, "Time of one sweep; the next one goes on where it ended."
    )
    retention_days: int = bounded(90, 1, 3_650, "Days that events and reports are kept at most.")
    retention_seconds: float = bounded(3_600, 1, 86_400, "Pause between runs of retention.")
    retention_chunk_max: int = bounded(5_000, 1, 100_000, "Rows deleted in one transaction.")
    partition_weeks_ahead: int = bounded(4, 1, 52, "Weekly partitions made ahead of time.")
    feedback_url: str = fleet(
        "feedback_url",
        "",
        "Address of feedback; unset, ids of feedback are not found through user-reports.",
        pattern=WEB_ADDRESS_OR_NONE,
    )
    group_events_max: int = bounded(
        1_000, 1, 10_000, "Events of a group, the newest ones, whose tags are counted."
    )
    posts_per_minute_max: int = bounded(300, 1, 1_000_000, "Reports one address may post over HTTP in a minute.")
    request_body_bytes_max: int = bounded(100_000, 1_000, 10_000_000, "Size of a posted report.")
    per_page_max: int = bounded(100, 1, 1_000, "Rows of a page; also the default.")
    export_rows_max: int = bounded(1_000_000, 1, 100_000_000, "Rows of an export.")
