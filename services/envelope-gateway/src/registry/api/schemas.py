"""Bodies of requests and answers. Ids are strings of digits, as Sentry's clients expect."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Slug = Annotated[str, StringConstraints(max_length=50)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[!-?A-~]+@[!-?A-~]+$")]
Password = Annotated[str, StringConstraints(min_length=8, max_length=1_000)]
Role = Literal["member", "admin", "manager", "owner"]


class _Body(BaseModel):
    """What a client sends: exact types; fields it took from an answer and that cannot change are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel)


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Organization(_Answer):
    """An organization; `features` has every flag by its full name."""

    id: str
    slug: str
    name: str
    date_created: datetime
    status: dict[str, str]
    features: dict[str, bool]


class OrganizationChange(_Body):
    """What to change; `features` is merged into the flags that are set."""

    name: Name | None = None
    slug: Slug | None = None
    features: dict[str, Any] = Field(default_factory=dict)


class OrganizationRef(_Answer):
    """An organization as its projects show it."""

    id: str
    slug: str
    name: str


class Project(_Answer):
    """A project; `options` has every declared option with its value or default."""

    id: str
    slug: str
    name: str
    platform: str | None
    date_created: datetime
    status: str
    is_member: bool
    has_access: bool
    has_feedbacks: bool
    has_new_feedbacks: bool
    allowed_domains: list[str]
    options: dict[str, Any]
    features: list[str]
    organization: OrganizationRef


class NewProject(_Body):
    """A project to create; without a slug it gets one made from its name."""

    name: Name
    slug: Slug | None = None
    platform: Annotated[str, StringConstraints(max_length=64)] | None = None


class ProjectChange(_Body):
    """What to change; `options` is merged, `allowedDomains` is another name for `sentry:origins`."""

    name: Name | None = None
    slug: Slug | None = None
    platform: Annotated[str, StringConstraints(max_length=64)] | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    allowed_domains: list[str] | None = None


class Key(_Answer):
    """A client key and its DSNs."""

    id: str
    public: str
    secret: str
    name: str
    label: str
    is_active: bool
    project_id: int
    dsn: dict[str, str]
    date_created: datetime


class NewKey(_Body):
    """A key to create."""

    name: Name = "Default"


class KeyChange(_Body):
    """What to change of a key."""

    name: Name | None = None
    is_active: bool | None = None


class User(_Answer):
    """A person who can sign in."""

    id: str
    email: str
    name: str | None
    username: str


class Member(_Answer):
    """A member of an organization."""

    id: str
    email: str
    name: str | None
    role: str
    date_created: datetime
    user: User


class CreatedMember(Member):
    """A member as answered once: with the first password of somebody who had no account."""

    password: str | None


class NewMember(_Body):
    """Somebody to add."""

    email: Email
    role: Role = "member"
    name: Name | None = None


class MemberChange(_Body):
    """The new role of a member."""

    role: Role


class Token(_Answer):
    """An API token without its secret."""

    id: str
    name: str
    scopes: list[str]
    token_last_characters: str
    user: str
    date_created: datetime
    date_expires: datetime | None
    date_last_used: datetime | None


class CreatedToken(Token):
    """An API token as answered once, with its secret."""

    token: str


class NewToken(_Body):
    """A token to create; its scopes must be the caller's, too."""

    name: Name = "API token"
    scopes: Annotated[list[str], Field(min_length=1, max_length=100)]
    expires_at: Annotated[AwareDatetime, Field(strict=False)] | None = None


class Quota(BaseModel):
    """A quota. `limit` null only counts and 0 rejects all; `window` is in seconds; no categories means all.

    It holds for this project; `scope` says whose counter it uses: quotas with one id and scope
    organization share a counter over all projects that have them.
    """

    id: str
    categories: list[str]
    scope: str
    limit: int | None
    window: int | None
    reasonCode: str | None  # noqa: N815
    sources: list[str] | None = None


class Login(_Body):
    """Who signs in."""

    email: Annotated[str, StringConstraints(max_length=254)]
    password: Annotated[str, StringConstraints(max_length=1_000)]


class UserChange(_Body):
    """What to change of oneself; a new password needs the current one and ends all other sessions."""

    name: Name | None = None
    password: Password | None = None
    current_password: Annotated[str, StringConstraints(max_length=1_000)] | None = None


class Api(_Answer):
    """What the API is, and who asks."""

    version: str
    auth: dict[str, list[str]]
    user: User


class Introspected(BaseModel):
    """Who holds a secret: `tenants` maps organization ids to roles."""

    kind: str
    id: str
    email: str | None
    tenants: dict[str, str]
    scopes: list[str]


class BootstrapRequest(BaseModel):
    """Slugs of what shall exist."""

    organization: Slug
    project: Slug


class Bootstrapped(BaseModel):
    """What a launcher needs; `admin_password` only when the owner was just created."""

    organization: str
    project: str
    project_id: int
    public_key: str
    token: str
    admin_email: str
    admin_password: str | None


class ProjectFlags(_Body):
    """What a project has seen so far."""

    has_feedbacks: bool | None = None
    has_new_feedbacks: bool | None = None
