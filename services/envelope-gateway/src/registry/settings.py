"""Settings of the registry."""

from typing import ClassVar, Self

from hearback_kit.settings import WEB_ADDRESS_OR_NONE, Sender, ServiceSettings, Texts, bounded
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of the registry (environment `REGISTRY_…`)."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_")
    service: ClassVar[str] = "registry"

    request_body_bytes_max: int = bounded(1_048_576, 1_024, 16_777_216, "Bytes of a request's body.")
    requests_at_once_max: int = bounded(
        32, 1, 4_096, "Requests from outside worked on at the same time; services never wait."
    )
    requests_waiting_max: int = bounded(
        4_096, 0, 65_536, "Requests from outside that may wait; further ones are answered 503."
    )
    publish_seconds: float = bounded(
        2.0, 0.05, 60, "Seconds between attempts to publish what could not be published at once."
    )
    publish_batch_max: int = bounded(200, 1, 5_000, "Snapshots published in one transaction.")
    cleanup_seconds: float = bounded(
        3_600, 1, 86_400, "Seconds between removals of what has expired: sessions, tokens, log entries, accounts."
    )
    mail_seconds: float = bounded(5.0, 0.05, 3_600, "Seconds between checks for mails to deliver.")
    mail_from: Sender = Field("Hearback <noreply@localhost>", description="Sender of mails.")
    session_days: int = bounded(14, 1, 365, "Days after which a browser session ends.")
    invitation_days: int = bounded(7, 1, 90, "Days after which an invitation expires.")
    invitations_per_hour: int = bounded(
        100, 1, 100_000, "Invitations that an organization may mail within an hour."
    )
    oidc_issuer: str = Field(
        "",
        pattern=WEB_ADDRESS_OR_NONE,
        description="URL of the OpenID provider that people may sign in by; empty: none.",
    )
    oidc_client_id: str = Field("", description="Id of this fleet with the OpenID provider.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Secret of this fleet with the provider.")
    oidc_name: str = Field("single sign-on", description="Name of the provider on the sign-in page.")
    oidc_domains: Texts = Field(
        (), description="Comma-separated domains whose addresses may sign in by the provider; empty: all."
    )
    unused_account_days: int = bounded(
        90, 1, 3_650, "Days without a membership, a token and a sign-in after which an account is removed."
    )
    audit_batch_max: int = bounded(
        200, 1, 5_000, "Entries of the audit log from other services that one transaction adds."
    )
    audit_days: int = bounded(400, 1, 3_650, "Days that entries of the audit log are kept.")
    login_attempts_per_minute: int = bounded(
        10, 1, 10_000, "Attempts to sign in to one account from one address within a minute."
    )
    login_attempts_per_address: int = bounded(
        60, 1, 100_000, "Attempts to sign in from one address (IPv6: /64) within a minute."
    )
    login_attempts_per_account: int = bounded(
        100,
        1,
        100_000,
        "Attempts within a minute to sign in to one account from addresses without a session of it.",
    )
    passwords_at_once_max: int = bounded(
        2, 1, 64, "Passwords hashed at the same time; each takes 19 MiB and a thread."
    )
    passwords_waiting_max: int = bounded(
        200, 1, 10_000, "Passwords that wait to be hashed; further ones are answered 503."
    )
    projects_max: int = bounded(10_000, 1, 100_000, "Projects of an organization.")
    keys_max: int = bounded(100, 1, 1_000, "Client keys of a project.")
    members_max: int = bounded(10_000, 1, 100_000, "Members of an organization.")
    tokens_max: int = bounded(1_000, 1, 100_000, "API tokens of an organization.")
    quotas_max: int = bounded(100, 1, 1_000, "Quotas of a project.")

    @model_validator(mode="after")
    def _check_provider(self) -> Self:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret.get_secret_value()):
            raise ValueError("an OpenID provider needs oidc_client_id and oidc_client_secret")
        return self

    @property
    def mails_invitations(self) -> bool:
        """Whether invitation links are mailed, instead of shown to the inviter."""
        return self.smtp_url is not None

    @property
    def database_name(self) -> str:
        """The database's name, after the folder that the registry shares with the gateway."""
        return self.database_prefix + "envelope_gateway"
