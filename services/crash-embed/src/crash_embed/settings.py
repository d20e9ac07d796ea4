"""Settings of crash-embed."""

from typing import ClassVar

from hearback_contracts.streams import USER_REPORT_SUBMITTED
from hearback_kit.settings import ServiceSettings, Texts, bounded
from hearback_kit.values.origins import check_pattern
from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of crash-embed; the environment variables start with `CRASH_EMBED_`."""

    model_config = SettingsConfigDict(env_prefix="CRASH_EMBED_")
    service: ClassVar[str] = "crash-embed"

    body_bytes_max: int = bounded(131_072, 4_096, 10_485_760, "Bytes of a form; more is answered 413.")
    form_fields_max: int = bounded(64, 8, 1_000, "Fields of a form that are read.")
    limit_window_seconds: int = bounded(60, 1, 86_400, "Length of the windows of the four limits below.")
    scripts_per_address_max: int = bounded(
        600, 1, 10_000_000, "Dialog scripts that one client address may load per window."
    )
    posts_per_address_max: int = bounded(180, 1, 10_000_000, "Forms that one client address may send per window.")
    scripts_per_project_max: int = bounded(60_000, 1, 1_000_000_000, "Dialog scripts of one project per window.")
    posts_per_project_max: int = bounded(12_000, 1, 1_000_000_000, "Forms of one project per window.")
    fill_ms_min: int = bounded(
        2_000, 0, 600_000, "A form sent sooner after the dialog opened is marked, not dropped."
    )
    allowed_origins: Texts = Field(
        (), description="Comma-separated origin patterns allowed for every project besides its sentry:origins."
    )
    stream_entries_max: int = bounded(
        USER_REPORT_SUBMITTED.entries_max,
        1,
        100_000_000,
        "Backlog of a stream shard at which forms are answered 503.",
    )

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(check_pattern, value))
