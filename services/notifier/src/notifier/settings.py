"""Settings of the notifier."""

from typing import ClassVar

from hearback_kit.settings import ServiceSettings, Texts
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of the notifier; its own are read from `NOTIFIER_…` variables."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")
    service: ClassVar[str] = "notifier"

    batch_max: int = Field(2_000, ge=1, le=5_000, description="Messages decided in one transaction.")
    gather_ms_max: int = Field(
        400,
        ge=0,
        le=1_000,
        description="Under load, milliseconds a message waits for others to be decided in the same transaction.",
    )
    mail_from: str = Field("Hearback <hearback@localhost>", description="Sender of every mail.")
    smtp_connections_max: int = Field(4, ge=1, le=50, description="Connections to the mail server.")
    smtp_seconds_max: float = Field(30.0, ge=1, le=300, description="Time that a mail server may take to answer.")
    webhook_seconds_max: float = Field(10.0, ge=0.1, le=60, description="Time that a webhook may take to answer.")
    webhook_hosts_allowed: Texts = Field(
        (), description="Hosts, by comma, that webhooks may call although they are inside the network."
    )
    attempts_max: int = Field(10, ge=1, le=50, description="Attempts before a delivery is given up.")
    claim_seconds: float = Field(
        120.0,
        ge=5,
        le=3_600,
        description="Time after which a delivery that a killed process had begun is tried again.",
    )
    deliveries_batch_max: int = Field(50, ge=1, le=1_000, description="Deliveries begun at once.")
    deliver_seconds: float = Field(
        5.0, ge=0.05, le=60, description="Pause between two looks for due deliveries when nothing new was decided."
    )
    burst_per_minute: int = Field(
        20, ge=1, le=10_000, description="Mails to one address in a minute; what exceeds them comes as a digest."
    )
    digest_minutes: int = Field(10, ge=1, le=1_440, description="Time after which a burst's digest is sent.")
    digest_feedback_max: int = Field(50, ge=2, le=500, description="Feedback shown in one digest.")
    breaker_failures: int = Field(
        5, ge=1, le=100, description="Failures in a row after which a destination rests."
    )
    breaker_seconds: float = Field(120.0, ge=1, le=86_400, description="Time that a failing destination rests.")
    rules_max: int = Field(50, ge=1, le=1_000, description="Notification rules of one project.")
    recipients_seconds: float = Field(
        1.5,
        ge=0,
        le=60,
        description="Age up to which the recipients and rules of a project are taken from memory.",
    )
    retention_days: int = Field(90, ge=1, le=3_650, description="Days that decisions and deliveries are kept.")
    retention_seconds: float = Field(
        600.0, ge=0.05, le=86_400, description="Pause between two rounds of retention."
    )
    retention_chunk_max: int = Field(5_000, ge=100, le=100_000, description="Rows deleted in one statement.")
    request_body_bytes_max: int = Field(65_536, ge=1_024, le=1_048_576, description="Bytes of a request's body.")
