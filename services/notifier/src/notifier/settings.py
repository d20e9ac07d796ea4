"""Settings of the notifier."""

from typing import ClassVar, Final, Self

from hearback_kit.mail import WHOLE
from hearback_kit.settings import Sender, ServiceSettings, Texts, bounded
from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

_CLAIM_MIN: Final = 4 / 3  # times the longest attempt, so that a third of it is left to begin it and to record it


class Settings(ServiceSettings):
    """Settings of the notifier; its own are read from `NOTIFIER_…` variables."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")
    service: ClassVar[str] = "notifier"

    batch_max: int = bounded(2_000, 1, 5_000, "Messages decided together.")
    gather_ms_max: int = bounded(
        400, 0, 1_000, "Under load, milliseconds a message waits for others to be decided with it."
    )
    mail_from: Sender = Field("Hearback <hearback@localhost>", description="Sender of every mail.")
    smtp_connections_max: int = bounded(4, 1, 50, "Connections to the mail server.")
    smtp_seconds_max: float = bounded(
        30.0, 1, 300, "Time that a mail server may take to answer, and three times that for a mail."
    )
    webhook_seconds_max: float = bounded(10.0, 0.1, 60, "Time that a webhook may take to answer.")
    webhook_hosts_allowed: Texts = Field(
        (), description="Comma-separated hosts that webhooks may call although they are inside the network."
    )
    attempts_max: int = bounded(10, 1, 50, "Attempts before a delivery is given up.")
    claim_seconds: float = bounded(
        120.0,
        5,
        3_600,
        "Time after which a delivery that a killed process had begun is tried again; at least four times "
        "`NOTIFIER_SMTP_SECONDS_MAX`, and 4/3 of `NOTIFIER_WEBHOOK_SECONDS_MAX`.",
    )
    deliveries_batch_max: int = bounded(50, 1, 1_000, "Mails begun at once.")
    webhooks_running_max: int = bounded(200, 1, 2_000, "Webhooks under way at once.")
    webhooks_share_max: int = bounded(
        20,
        1,
        1_000,
        "Webhooks of one organization among those, at most a fourth of what is free; half as many of one rule.",
    )
    deliver_seconds: float = bounded(
        5.0, 0.05, 60, "Pause between checks for due deliveries when nothing new was decided."
    )
    burst_per_minute: int = bounded(
        20, 1, 10_000, "Mails to one address in a minute; what exceeds them comes as a digest."
    )
    digest_minutes: int = bounded(10, 1, 1_440, "Time after which a burst's digest is sent.")
    digest_feedback_max: int = bounded(50, 2, 500, "Feedback shown in one digest.")
    breaker_failures: int = bounded(5, 1, 100, "Failures in a row after which a destination rests.")
    breaker_seconds: float = bounded(120.0, 1, 86_400, "Time that a failing destination rests.")
    rules_max: int = bounded(50, 1, 1_000, "Notification rules of one project.")
    recipients_seconds: float = bounded(
        1.5,
        0,
        60,
        "Age up to which a project's rules are taken from memory; its recipients 40 times as long, "
        "unless something of the project or its organization is published.",
    )
    retention_days: int = bounded(90, 1, 3_650, "Days that held feedback and deliveries are kept.")
    retention_seconds: float = bounded(600.0, 0.05, 86_400, "Pause between two rounds of retention.")
    retention_chunk_max: int = bounded(5_000, 100, 100_000, "Rows deleted in one statement.")
    request_body_bytes_max: int = bounded(65_536, 1_024, 1_048_576, "Bytes of a request's body.")

    @model_validator(mode="after")
    def _check_claim(self) -> Self:
        least = _CLAIM_MIN * self.attempt_seconds_max
        if self.claim_seconds < least:
            raise ValueError(
                f"claim_seconds is at least {least:g}, 4 times smtp_seconds_max and 4/3 of webhook_seconds_max: "
                "while a delivery lasts, no other process may begin it"
            )
        return self

    @property
    def attempt_seconds_max(self) -> float:
        """Time that the longest attempt takes."""
        return max(WHOLE * self.smtp_seconds_max, self.webhook_seconds_max)

    @property
    def claim_seconds_left_min(self) -> float:
        """Time left of a claim when its attempt begins: that of the longest, and half of the rest to record it."""
        return (self.claim_seconds + self.attempt_seconds_max) / 2
