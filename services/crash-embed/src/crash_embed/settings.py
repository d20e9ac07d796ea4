"""Settings of crash-embed."""

from typing import ClassVar

from hearback_contracts.streams import USER_REPORT_SUBMITTED
from hearback_kit.settings import ServiceSettings, Texts
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of crash-embed; the environment variables start with `CRASH_EMBED_`."""

    model_config = SettingsConfigDict(env_prefix="CRASH_EMBED_")
    service: ClassVar[str] = "crash-embed"

    body_bytes_max: int = Field(
        131_072, ge=4_096, le=10_485_760, description="Bytes of a form; more is answered 413."
    )
    form_fields_max: int = Field(64, ge=8, le=1_000, description="Fields of a form that are read.")
    limit_window_seconds: int = Field(
        60, ge=1, le=86_400, description="Length of the windows of the four limits below."
    )
    scripts_per_address_max: int = Field(
        600, ge=1, le=10_000_000, description="Dialog scripts that one client address may load per window."
    )
    posts_per_address_max: int = Field(
        180, ge=1, le=10_000_000, description="Forms that one client address may send per window."
    )
    scripts_per_project_max: int = Field(
        60_000, ge=1, le=1_000_000_000, description="Dialog scripts of one project per window."
    )
    posts_per_project_max: int = Field(
        12_000, ge=1, le=1_000_000_000, description="Forms of one project per window."
    )
    fill_ms_min: int = Field(
        2_000, ge=0, le=600_000, description="A form sent sooner after the dialog opened is marked, not dropped."
    )
    allowed_origins: Texts = Field(
        (),
        description="Origin patterns, by comma, allowed for every project besides its sentry:origins.",
    )
    stream_entries_max: int = Field(
        USER_REPORT_SUBMITTED.entries_max,
        ge=1,
        le=100_000_000,
        description="Backlog of a stream shard at which forms are answered 503.",
    )
