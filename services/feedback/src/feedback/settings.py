"""The settings of this service."""

from typing import ClassVar

from hearback_kit.settings import ServiceSettings, fleet
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of the feedback service (`FEEDBACK_…`)."""

    model_config = SettingsConfigDict(env_prefix="FEEDBACK_")
    service: ClassVar[str] = "feedback"

    message_characters_max: int = Field(
        4096, ge=1, le=100_000, description="Longer messages are refused, not cut."
    )
    gather_ms_max: int = Field(
        250,
        ge=0,
        le=1_000,
        description="Under load, milliseconds a message waits for others to be stored in the same transaction;"
        " reading a feedback that is not stored ends the wait.",
    )
    consumers: int = Field(
        2,
        ge=1,
        le=64,
        description="Batches handled at once, each of other shards.",
    )
    batch_max: int = Field(
        256, ge=1, le=2_000, description="Most messages of one batch, which is one transaction."
    )
    closed_submission_days: int = Field(
        30, ge=1, le=3_650, description="Days for which a refused or deleted submission is remembered."
    )
    announce_seconds: float = Field(
        2.0, ge=0.05, le=3_600, description="Interval between `hasFeedbacks` updates to the registry."
    )
    retention_seconds: float = Field(
        3_600.0, ge=1, le=86_400, description="Interval between deletions of what is past its retention."
    )
    retention_chunk_max: int = Field(500, ge=1, le=10_000, description="Feedback deleted by one transaction.")
    page_size: int = Field(25, ge=1, le=100, description="Rows of a list page by default.")
    page_size_max: int = Field(100, ge=1, le=1_000, description="Most rows of a list page.")
    hits_max: int = Field(1_000, ge=1, le=100_000, description="Highest number that `X-Hits` counts to.")
    count_max: int = Field(10_000, ge=1, le=1_000_000, description="Highest number that `issues-count` counts to.")
    export_batch_rows: int = Field(500, ge=1, le=5_000, description="Rows that an export reads at once.")
    bulk_rows_max: int = Field(1_000, ge=1, le=10_000, description="Most ids that one request may name.")
    query_characters_max: int = Field(4_096, ge=1, le=65_536, description="Longest search query.")
    query_terms_max: int = Field(100, ge=1, le=1_000, description="Most terms of a search query.")
    activity_max: int = Field(100, ge=1, le=1_000, description="Newest changes shown of one feedback.")
    tab_count_max: int = Field(1_000, ge=1, le=100_000, description="Highest number that a page's tabs count to.")
    similar_rows_max: int = Field(
        400, ge=10, le=20_000, description="Newest rows of each mailbox compared to find similar feedback."
    )
    similar_max: int = Field(5, ge=1, le=50, description="Similar feedback shown beside one.")
    fleet_answer_seconds_max: float = Field(
        1.5, gt=0, le=30, description="Time that a page waits for what another service knows."
    )
    live_clients_max: int = Field(2_000, ge=1, le=100_000, description="Open live pages of one process.")
    live_clients_per_session_max: int = Field(20, ge=1, le=10_000, description="Open live pages of one session.")
    live_clients_per_address_max: int = Field(
        250, ge=1, le=100_000, description="Open live pages of one client address."
    )
    live_seconds_max: float = Field(
        600.0, ge=1, le=86_400, description="Age at which a live page reconnects, and is checked again."
    )
    live_heartbeat_seconds: float = Field(15.0, gt=0, le=300, description="Interval of a live page's heartbeats.")
    client_reports_url: str = fleet(
        "client_reports_url", "", "Address of client-reports; unset, pages do not show the fate of submissions."
    )
    notifier_url: str = fleet("notifier_url", "", "Address of notifier; unset, pages do not show deliveries.")
    user_reports_url: str = fleet(
        "user_reports_url", "", "Address of user-reports; unset, attachments without an event are kept."
    )
    orphan_hours: float = Field(
        24.0, gt=0, le=8_760, description="Time after which an attachment without an event is deleted."
    )
    blob_delete_seconds: float = Field(
        5.0, ge=0.05, le=3_600, description="Interval between deletions of the bytes of deleted attachments."
    )
    image_bytes_max: int = Field(
        20_971_520, ge=1_024, le=104_857_600, description="Largest image file that gets a thumbnail."
    )
    image_pixels_max: int = Field(
        25_000_000, ge=10_000, le=100_000_000, description="Most pixels of an image that gets a thumbnail."
    )
    thumbnail_pixels: int = Field(640, ge=16, le=2_048, description="Longer side of a thumbnail.")
    images_at_once_max: int = Field(2, ge=1, le=32, description="Images decoded at the same time.")
    request_body_bytes_max: int = Field(
        65_536, ge=1_024, le=10_485_760, description="Largest request body of the API."
    )
    spam_judge_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Base URL of an OpenAI-compatible API that is asked about feedback that the local spam filter"
        " let pass; its text goes there. Unset, none is asked.",
    )
    spam_judge_model: str = Field("", max_length=200, description="Model that the spam judge names.")
    spam_judge_key: SecretStr | None = Field(None, description="API key of the spam judge.")
    spam_judge_seconds_max: float = Field(
        10.0, ge=0.05, le=120, description="Time that the spam judge may take; nothing waits for it."
    )
    spam_judge_waiting_max: int = Field(
        500, ge=1, le=10_000, description="Questions that wait for the spam judge; more are not asked."
    )
    spam_judge_at_once_max: int = Field(2, ge=1, le=50, description="Questions asked of the spam judge at once.")
