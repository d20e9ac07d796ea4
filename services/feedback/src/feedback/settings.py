"""The settings of this service."""

from typing import ClassVar

from hearback_kit.settings import WEB_ADDRESS_OR_NONE, ServiceSettings, bounded, fleet
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of the feedback service (`FEEDBACK_…`)."""

    model_config = SettingsConfigDict(env_prefix="FEEDBACK_")
    service: ClassVar[str] = "feedback"

    message_characters_max: int = bounded(4096, 1, 100_000, "Longer messages are refused, not cut.")
    gather_ms_max: int = bounded(
        250,
        0,
        1_000,
        "Under load, milliseconds a message waits for others to be stored in the same transaction;"
        " reading a feedback that is not stored ends the wait.",
    )
    consumers: int = bounded(
        2, 1, 64, "Batches handled at once, each from different shards; above 1, one more of any while more waits."
    )
    batch_max: int = bounded(
        512, 1, 2_000, "Maximum messages of one batch, which is one transaction unless they are large."
    )
    closed_submission_days: int = bounded(
        30, 1, 3_650, "Days for which a refused or deleted submission is remembered."
    )
    announces_together: bool = Field(
        False,
        description="Announce what was stored together by one message, which notifiers of the release before"
        " cannot read: set it when none of those is left.",
    )
    compact_rows: bool = Field(
        False,
        description="Leave out of the event and evidence of new feedback what columns of its row hold, and of the"
        " outbox what the row holds."
        " The release before cannot read such rows: set it when no copy of that is left.",
    )
    announce_seconds: float = bounded(2.0, 0.05, 3_600, "Interval between `hasFeedbacks` updates to the registry.")
    retention_seconds: float = bounded(
        3_600.0, 1, 86_400, "Interval between deletions of what is past its retention."
    )
    retention_chunk_max: int = bounded(500, 1, 10_000, "Feedback deleted by one transaction.")
    page_size: int = bounded(25, 1, 100, "Rows of a list page by default.")
    page_size_max: int = bounded(100, 1, 1_000, "Maximum rows of a list page.")
    hits_max: int = bounded(1_000, 1, 100_000, "Highest number that `X-Hits` counts to.")
    count_max: int = bounded(10_000, 1, 1_000_000, "Highest number that `issues-count` counts to.")
    export_batch_rows: int = bounded(500, 1, 5_000, "Rows that an export reads at once.")
    bulk_rows_max: int = bounded(1_000, 1, 10_000, "Maximum ids that one request may name.")
    query_characters_max: int = bounded(4_096, 1, 65_536, "Longest search query.")
    query_terms_max: int = bounded(100, 1, 1_000, "Maximum terms of a search query.")
    activity_max: int = bounded(100, 1, 1_000, "Newest changes shown of one feedback.")
    tab_count_max: int = bounded(1_000, 1, 100_000, "Highest number that a page's tabs count to.")
    similar_rows_max: int = bounded(
        400, 10, 20_000, "Newest rows of each mailbox compared to find similar feedback."
    )
    similar_max: int = bounded(5, 1, 50, "Similar feedback shown with one.")
    fleet_answer_seconds_max: float = Field(
        1.5, gt=0, le=30, description="Time that a page waits for what another service knows."
    )
    live_clients_max: int = bounded(2_000, 1, 100_000, "Open live pages of one process.")
    live_clients_per_session_max: int = bounded(20, 1, 10_000, "Open live pages of one session.")
    live_clients_per_address_max: int = bounded(250, 1, 100_000, "Open live pages of one client address.")
    live_seconds_max: float = bounded(
        600.0, 1, 86_400, "Age at which a live page reconnects, and is checked again."
    )
    live_heartbeat_seconds: float = Field(15.0, gt=0, le=300, description="Interval of a live page's heartbeats.")
    client_reports_url: str = fleet(
        "client_reports_url",
        "",
        "Address of client-reports; unset, pages do not show the fate of submissions.",
        pattern=WEB_ADDRESS_OR_NONE,
    )
    notifier_url: str = fleet(
        "notifier_url",
        "",
        "Address of notifier; unset, pages do not show deliveries.",
        pattern=WEB_ADDRESS_OR_NONE,
    )
    user_reports_url: str = fleet(
        "user_reports_url",
        "",
        "Address of user-reports; unset, attachments without an event are kept.",
        pattern=WEB_ADDRESS_OR_NONE,
    )
    orphan_hours: float = Field(
        24.0, gt=0, le=8_760, description="Time after which an attachment without an event is deleted."
    )
    blob_delete_seconds: float = bounded(
        5.0, 0.05, 3_600, "Interval between deletions of the bytes of deleted attachments."
    )
    image_bytes_max: int = bounded(20_971_520, 1_024, 104_857_600, "Largest image file that gets a thumbnail.")
    image_pixels_max: int = bounded(
        25_000_000, 10_000, 100_000_000, "Maximum pixels of an image that gets a thumbnail."
    )
    thumbnail_pixels: int = bounded(640, 16, 2_048, "Longer side of a thumbnail.")
    images_at_once_max: int = bounded(2, 1, 32, "Images decoded at the same time.")
    request_body_bytes_max: int = bounded(65_536, 1_024, 10_485_760, "Largest request body of the API.")
    spam_judge_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Base URL of an OpenAI-compatible API that is asked about feedback that the local spam filter"
        " let pass; its text goes there. Unset, none is asked.",
    )
    spam_judge_model: str = Field("", max_length=200, description="Name of the spam judge's model.")
    spam_judge_key: SecretStr | None = Field(None, description="API key of the spam judge.")
    spam_judge_seconds_max: float = bounded(
        10.0, 0.05, 120, "Time that the spam judge may take; nothing waits for it."
    )
    spam_judge_waiting_max: int = bounded(
        500, 1, 10_000, "Questions that wait for the spam judge; more are not asked."
    )
    spam_judge_at_once_max: int = bounded(2, 1, 50, "Questions asked of the spam judge at once.")
