"""What this service can be told."""

from typing import ClassVar

from hearback_kit.settings import ServiceSettings, fleet
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of the feedback service (`FEEDBACK_…`)."""

    model_config = SettingsConfigDict(
        env_prefix="FEEDBACK_", frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )
    service: ClassVar[str] = "feedback"

    consumer_name: str = Field(
        "", description="Name of this worker in its consumer groups; empty: the host's name."
    )
    message_characters_max: int = Field(
        4096, ge=1, le=100_000, description="Longer messages are refused, not cut."
    )
    organizations_denied: tuple[str, ...] = Field(
        (), description="Slugs of organizations whose feedback is not taken (a JSON list)."
    )
    consumers: int = Field(
        2,
        ge=1,
        le=64,
        description="Batches handled at once, of different shards.",
    )
    batch_max: int = Field(256, ge=1, le=2_000, description="Messages of one transaction.")
    closed_submission_days: int = Field(
        30, ge=1, le=3_650, description="Days for which a refused or deleted submission is remembered."
    )
    announce_seconds: float = Field(
        1.0, ge=0.05, le=3_600, description="Time between tellings of `hasFeedbacks` to the registry."
    )
    retention_seconds: float = Field(
        3_600.0, ge=1, le=86_400, description="Time between removals of what is past its retention."
    )
    retention_chunk_max: int = Field(500, ge=1, le=10_000, description="Feedback removed by one transaction.")
    page_size: int = Field(25, ge=1, le=100, description="Rows of a list page when none are asked for.")
    page_size_max: int = Field(100, ge=1, le=1_000, description="Rows of a list page at most.")
    hits_max: int = Field(1_000, ge=1, le=100_000, description="Where counting for `X-Hits` stops.")
    export_batch_rows: int = Field(500, ge=1, le=5_000, description="Rows that an export reads at a time.")
    bulk_rows_max: int = Field(1_000, ge=1, le=10_000, description="Issues that one request by id may name.")
    query_characters_max: int = Field(4_096, ge=1, le=65_536, description="Length of a search query.")
    query_terms_max: int = Field(100, ge=1, le=1_000, description="Terms of a search query.")
    user_reports_url: str = fleet(
        "user_reports_url", "", "Where user-reports answers; unset, orphaned attachments of errors are kept."
    )
    orphan_hours: float = Field(
        24.0, gt=0, le=8_760, description="Time after which an attachment without its event is removed."
    )
    blob_delete_seconds: float = Field(
        5.0, ge=0.05, le=3_600, description="Time between deletions of the bytes of deleted attachments."
    )
    image_bytes_max: int = Field(
        20_971_520, ge=1_024, le=104_857_600, description="Size of an image that a thumbnail is made of."
    )
    image_pixels_max: int = Field(
        25_000_000, ge=10_000, le=100_000_000, description="Pixels of an image that is decoded."
    )
    thumbnail_pixels: int = Field(640, ge=16, le=2_048, description="Longer side of a thumbnail.")
    images_at_once_max: int = Field(2, ge=1, le=32, description="Images decoded at the same time.")
    request_body_bytes_max: int = Field(
        65_536, ge=1_024, le=10_485_760, description="Size of a request body of the API."
    )
