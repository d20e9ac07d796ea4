"""Settings of the registry."""

from typing import ClassVar, Self

from hearback_kit.settings import ServiceSettings, Texts
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """Settings of the registry; its variables start with `REGISTRY_`."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_")
    service: ClassVar[str] = "registry"

    request_body_bytes_max: int = Field(
        1_048_576, ge=1_024, le=16_777_216, description="Bytes of a request's body."
    )
    requests_at_once_max: int = Field(
        32, ge=1, le=4_096, description="Requests from outside worked on at the same time; services never wait."
    )
    requests_waiting_max: int = Field(
        4_096,
        ge=0,
        le=65_536,
        description="Requests from outside that wait for that; others are answered 503.",
    )
    publish_seconds: float = Field(
        2.0, ge=0.05, le=60, description="Seconds between attempts to publish what could not be published at once."
    )
    publish_batch_max: int = Field(200, ge=1, le=5_000, description="Snapshots published in one transaction.")
    cleanup_seconds: float = Field(
        3_600,
        ge=1,
        le=86_400,
        description="Seconds between removals of what has expired: sessions, tokens, log entries, accounts.",
    )
    mail_seconds: float = Field(5.0, ge=0.05, le=3_600, description="Seconds between looks for mails to deliver.")
    mail_from: str = Field("Hearback <noreply@localhost>", description="Sender of mails.")
    session_days: int = Field(14, ge=1, le=365, description="Days after which a browser session ends.")
    invitation_days: int = Field(7, ge=1, le=90, description="Days after which an invitation expires.")
    invitations_per_hour: int = Field(
        100, ge=1, le=100_000, description="Invitations that an organization may mail within an hour."
    )
    oidc_issuer: str = Field("", description="URL of the OpenID provider that people may sign in by; empty: none.")
    oidc_client_id: str = Field("", description="Id of this fleet with the OpenID provider.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Secret of this fleet with the provider.")
    oidc_name: str = Field("single sign-on", description="Name of the provider on the sign-in page.")
    oidc_domains: Texts = Field(
        (), description="Domains of addresses that may sign in by the provider, by comma; empty: all."
    )
    unused_account_days: int = Field(
        90,
        ge=1,
        le=3_650,
        description="Days without a membership, a token and a sign-in after which an account is removed.",
    )
    audit_days: int = Field(400, ge=1, le=3_650, description="Days that entries of the audit log are kept.")
    login_attempts_per_minute: int = Field(
        10, ge=1, le=10_000, description="Attempts to sign in to one account from one address within a minute."
    )
    login_attempts_per_address: int = Field(
        60, ge=1, le=100_000, description="Attempts to sign in from one address (IPv6: /64) within a minute."
    )
    login_attempts_per_account: int = Field(
        100,
        ge=1,
        le=100_000,
        description="Attempts within a minute to sign in to one account from addresses without a session of it.",
    )
    passwords_at_once_max: int = Field(
        2, ge=1, le=64, description="Passwords hashed at the same time; each takes 19 MiB and a thread."
    )
    passwords_waiting_max: int = Field(
        200, ge=1, le=10_000, description="Passwords that wait to be hashed; further ones are answered 503."
    )
    projects_max: int = Field(10_000, ge=1, le=100_000, description="Projects of an organization.")
    keys_max: int = Field(100, ge=1, le=1_000, description="Client keys of a project.")
    members_max: int = Field(10_000, ge=1, le=100_000, description="Members of an organization.")
    tokens_max: int = Field(1_000, ge=1, le=100_000, description="API tokens of an organization.")
    quotas_max: int = Field(100, ge=1, le=1_000, description="Quotas of a project.")

    @model_validator(mode="after")
    def _check_provider(self) -> Self:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret.get_secret_value()):
            raise ValueError("an OpenID provider needs oidc_client_id and oidc_client_secret")
        return self

    @property
    def database_name(self) -> str:
        """The database is named after the folder that the registry shares with the gateway."""
        return self.database_prefix + "envelope_gateway"
