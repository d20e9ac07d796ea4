"""Settings from the environment: typed, bounded, documented; the settings page is generated from them."""

import os
import re
from collections.abc import Mapping
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import orjson
from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hearback_kit.log_limits import LINES_PER_MINUTE_MAX
from hearback_kit.values.addresses import TrustedProxies, parse_networks

# Anyone who knows the secret can sign as a service; these are in the repository.
_PUBLISHED_SECRETS = frozenset(("", "development-only"))
SECRET_LENGTH_MIN: Final = 32
WEB_ADDRESS: Final = r"^https?://[^\s/?#]+(/[^\s?#]*)?$"
WEB_ADDRESS_OR_NONE: Final = r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$"
# The schemes of servers' URLs, which may have a password.
_POSTGRES: Final = (re.compile(r"postgres(ql)?(\+asyncpg)?://"), "postgresql://")
_SCHEMES: Final[Mapping[str, tuple["re.Pattern[str]", str]]] = {
    "redis_url": (re.compile(r"rediss?(\+sentinel|\+cluster)?://|unix://"), "redis://, rediss:// or unix://"),
    "server_database_url": _POSTGRES,
    "service_database_url": _POSTGRES,
    "smtp_url": (
        re.compile(r"(smtp|smtps|smtp\+starttls)://[^/?#]"),
        "smtp://, smtps:// or smtp+starttls:// and a host",
    ),
}


def fleet(name: str, default: Any, description: str, *, former_name: str | None = None, **bounds: Any) -> Any:
    """Return a field read from a `HEARBACK_…` variable that all services share, or from its former name."""
    names = (name, former_name) if former_name else (name,)
    return Field(
        default,
        validation_alias=AliasChoices(*[f"HEARBACK_{known.upper()}" for known in names]),
        description=description,
        **bounds,
    )


def bounded(default: float, least: float, most: float, description: str) -> Any:
    """Return a field for a number from `least` to `most`, both included."""
    return Field(default, ge=least, le=most, description=description)


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return orjson.loads(value)
    return [text.strip() for text in value.split(",") if text.strip()]


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A list of texts, comma-separated or as JSON."""


class InvalidSettings(Exception):
    """Variables have values that settings cannot have; the text names them, without their values."""


Known = TypeVar("Known", bound=BaseSettings)


def read_settings(kind: type[Known]) -> Known:
    """Return settings from the environment; raise InvalidSettings."""
    try:
        return kind()
    except ValidationError as error:
        raise InvalidSettings(f"the settings are not valid\n{_explain(error, kind)}") from None


def _explain(error: ValidationError, kind: type[BaseSettings]) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(map(str, problem["loc"]))
        variable = name if not name or name.isupper() else _variable(kind, name)
        lines.append(f"  {variable or 'together'}: {problem['msg']}")
    return "\n".join(lines)


def _variable(kind: type[BaseSettings], name: str) -> str:
    """Return the variable that a field was read from; of one that is not set, the one that all services share."""
    own = f"{kind.model_config.get('env_prefix', '')}{name}".upper()
    alias = kind.model_fields[name].validation_alias if name in kind.model_fields else None
    if isinstance(alias, AliasChoices) and not os.environ.get(own):
        return str(alias.choices[0])
    return own


def _check_sender(value: str) -> str:
    name, address = parseaddr(value)
    try:
        Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError("give an address such as Hearback <mail@example.com>") from error
    return value


Sender = Annotated[str, AfterValidator(_check_sender)]
"""The sender of mails, with or without a name; validated, since each mail would fail with an invalid one."""


class ServiceSettings(BaseSettings):
    """Settings of every service; each subclasses it with its own prefix and fields."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True)
    service: ClassVar[str]

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = bounded(8080, 0, 65535, "Port to listen on; 0 takes a free one.")
    request_body_bytes_max: int = bounded(
        1_048_576, 1_024, 104_857_600, "Size of a request body of the API; more is answered 413."
    )

    server_database_url: SecretStr = fleet(
        "database_url",
        SecretStr("postgresql://localhost:5432/"),
        "PostgreSQL server; every service uses its own database on it.",
    )
    service_database_url: SecretStr | None = Field(
        None, description="This service's database, when it is not on the fleet's server."
    )
    database_prefix: str = fleet("database_prefix", "", "Prefix of each service's database name.")
    database_pool_size: int = bounded(5, 1, 100, "PostgreSQL connections kept open.")
    database_share_max: int = bounded(
        2, 1, 100, "PostgreSQL connections that reads of one organization use at once."
    )
    redis_url: SecretStr = fleet(
        "redis_url",
        SecretStr("redis://localhost:6379/0"),
        "Valkey or Redis: streams, limits, configuration. With Sentinels:"
        " `redis+sentinel://:password@host:26379,host2:26379/name`. A cluster, by some of its nodes:"
        " `redis+cluster://:password@host:6379,host2:6379`.",
    )
    redis_replicas_min: int = fleet(
        "redis_replicas_min",
        0,
        "Replicas that must have a message, beside the primary, before it counts as kept; set the server's"
        " `min-replicas-to-write` to the same.",
        ge=0,
        le=16,
    )
    secret_key: SecretStr = fleet(
        "secret_key",
        SecretStr(""),
        f"Signs calls between services; the same everywhere. Required, at least {SECRET_LENGTH_MIN} characters.",
        validate_default=True,
    )
    blob_url: str = fleet(
        "blob_url",
        "file:///tmp/hearback-blobs",
        "Where attachments are stored: a file:// or s3:// URL.",
        pattern=r"^(file|s3)://\S+$",
    )
    smtp_url: SecretStr | None = fleet(
        "smtp_url", None, "Mail server; without one, mails are written as .eml files."
    )
    data_dir: Path = fleet("data_dir", Path(".hearback"), "Folder for what a local fleet writes.")
    registry_url: str = fleet(
        "registry_url", "http://127.0.0.1:8081", "Address of the registry.", pattern=WEB_ADDRESS
    )
    public_url: str = fleet(
        "public_url", "http://localhost:8000", "Origin that people and SDKs use.", pattern=WEB_ADDRESS
    )
    trusted_proxies: str = fleet(
        "trusted_proxies",
        "127.0.0.0/8,::1/128",
        "Comma-separated networks of trusted proxies, whose `X-Forwarded-For` and `Forwarded` are believed.",
    )
    organizations_denied: Texts = fleet(
        "organizations_denied",
        (),
        "Slugs or ids of organizations from which nothing is accepted, also under a later slug: "
        "comma-separated, or a JSON list.",
        former_name="organization_denylist",
    )
    stream_shards: int = fleet("stream_shards", 4, "Shards of every stream; equal everywhere.", ge=1, le=1024)
    log_level: str = fleet(
        "log_level", "info", "debug, info, warning or error.", pattern="(?i)^(debug|info|warning|error|critical)$"
    )
    log_format: str = fleet("log_format", "json", "json, or console for people.", pattern="^(json|console)$")
    consumer_name: str = Field(
        "", description="Name of this process in its consumer groups; empty: service and host name."
    )
    log_lines_per_minute_max: int = fleet(
        "log_lines_per_minute_max",
        LINES_PER_MINUTE_MAX,
        "Log lines of one kind per minute; one more says how many were left out.",
        ge=1,
        le=1_000_000,
    )
    http_head_seconds_max: float = fleet(
        "http_head_seconds_max", 20.0, "Seconds a client has to send a request's head.", gt=0, le=3_600
    )
    http_body_grace_seconds: float = fleet(
        "http_body_grace_seconds", 30.0, "Seconds that any body may take, however short.", gt=0, le=3_600
    )
    http_body_bytes_per_second_min: float = fleet(
        "http_body_bytes_per_second_min",
        1_024.0,
        "Minimum rate of a body: this many bytes extend its time by a second.",
        gt=0,
    )
    http_body_seconds_max: float = fleet(
        "http_body_seconds_max", 960.0, "Seconds a body may take in all.", gt=0, le=86_400
    )
    http_connections_max: int = fleet(
        "http_connections_max",
        16_384,
        "Open connections of a server; at most half of the files it may open.",
        ge=1,
    )
    http_connections_per_address_max: int = fleet(
        "http_connections_per_address_max",
        1_024,
        "Open connections of one address, or one IPv6 /64; trusted proxies have no such limit.",
        ge=1,
    )
    shutdown_seconds_max: float = fleet(
        "shutdown_seconds_max", 10.0, "Time to finish work after SIGTERM.", ge=0.1, le=300
    )
    consumer_idle_ms_min: int = fleet(
        "consumer_idle_ms_min",
        30_000,
        "Idle time after which unacknowledged messages are taken over.",
        ge=100,
        le=3_600_000,
    )
    gather_ms_max: int = bounded(
        100, 0, 1_000, "Under load, milliseconds a message waits for others to be handled in the same transaction."
    )
    deliveries_max: int = fleet(
        "deliveries_max", 5, "Failed deliveries after which a message becomes a dead letter.", ge=1, le=100
    )

    @field_validator("secret_key")
    @classmethod
    def _refuse_weak_secrets(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() in _PUBLISHED_SECRETS:
            raise ValueError("set a secret of your own, the same for every service")
        if len(value.get_secret_value()) < SECRET_LENGTH_MIN:
            raise ValueError(f"the secret has at least {SECRET_LENGTH_MIN} characters; make it of random ones")
        return value

    @field_validator(*_SCHEMES)
    @classmethod
    def _refuse_other_schemes(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        scheme, form = _SCHEMES[str(info.field_name)]
        if value is not None and not scheme.match(value.get_secret_value()):
            raise ValueError(f"the address must begin with {form}")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _read_networks(cls, value: str) -> str:
        try:
            parse_networks(value)
        except ValueError as error:
            raise ValueError("give networks such as 10.0.0.0/8, with commas between") from error
        return value

    def address_reader(self) -> TrustedProxies:
        """Return the reader of client addresses for `trusted_proxies`."""
        return TrustedProxies(parse_networks(self.trusted_proxies))

    @property
    def database_name(self) -> str:
        """The name of this service's database and role."""
        return self.database_prefix + self.service.replace("-", "_")

    @property
    def database_url(self) -> str:
        """URL of this service's own database."""
        if self.service_database_url is not None:
            return self.service_database_url.get_secret_value()
        parts = urlsplit(self.server_database_url.get_secret_value())
        return urlunsplit(parts._replace(path=f"/{self.database_name}"))
