"""Response bodies. Ids are strings of digits, as Sentry's clients expect."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from hearback_contracts.options import Option
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from registry.domain.audit import note_of
from registry.domain.dsns import dsns_of
from registry.domain.options import features_with_defaults, with_defaults
from registry.store import audit_logs, keys, members, organizations, projects, users


class Answer(BaseModel):
    """A JSON object with names in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


Id = Annotated[str, BeforeValidator(str)]
CreatedAt = Annotated[datetime, Field(validation_alias="created_at")]


class Organization(Answer):
    """An organization; `features` has every flag by its full name."""

    id: Id
    slug: str
    name: str
    date_created: CreatedAt
    status: dict[str, str]
    features: dict[str, bool]


def organization(row: organizations.Organization) -> Organization:
    more = {"status": {"id": "active", "name": "active"}, "features": features_with_defaults(row.features)}
    return Organization.model_validate(asdict(row) | more)


class OrganizationRef(Answer):
    """An organization as its projects show it."""

    id: Id = Field(validation_alias="organization_id")
    slug: str = Field(validation_alias="organization_slug")
    name: str = Field(validation_alias="organization_name")


class Project(Answer):
    """A project; `options` has every declared option with its value or default."""

    id: Id
    slug: str
    name: str
    platform: str | None
    date_created: CreatedAt
    status: str
    is_member: bool
    has_access: bool
    has_feedbacks: bool
    has_new_feedbacks: bool
    allowed_domains: list[str]
    options: dict[str, Any]
    features: list[str]
    organization: OrganizationRef


def project(row: projects.Project) -> Project:
    options = with_defaults(row.options)
    more = {
        "status": "active",
        "is_member": True,
        "has_access": True,
        "allowed_domains": options[Option.ORIGINS],
        "options": options,
        "features": [],
        "organization": row,
    }
    return Project.model_validate(asdict(row) | more)


class Key(Answer):
    """A client key and its DSNs."""

    id: Id
    public: str
    secret: str
    name: str
    label: str = Field(validation_alias="name")
    is_active: bool
    project_id: int
    dsn: dict[str, str]
    date_created: CreatedAt


def key(row: keys.Key, public_url: str) -> Key:
    """Serialize a client key with DSNs for the fleet at `public_url`."""
    return Key.model_validate(asdict(row) | {"dsn": dsns_of(public_url, row.project_id, row.public, row.secret)})


class User(Answer):
    """An account."""

    id: Id
    email: str
    name: str | None
    username: str = Field(validation_alias="email")


class Account(User):
    """The caller's own account; `options` has the language of mails, null for English."""

    is_email_verified: bool
    options: dict[str, str | None]


def account(row: users.User) -> Account:
    """Serialize the caller's own account."""
    is_verified = row.email_verified_at is not None
    own = {"is_email_verified": is_verified, "options": {"language": row.language}}
    return Account.model_validate(asdict(row) | own)


class Member(Answer):
    """A member of an organization; `pending` (and without a user) until the invitation is accepted."""

    id: Id
    email: str
    name: str | None
    role: str
    org_role: str = Field(validation_alias="role")
    pending: bool
    expired: bool
    invite_status: str
    inviter_name: str | None
    date_created: CreatedAt
    user: User | None


def member(row: members.Member, now: datetime) -> Member:
    expires_at = row.invitation_expires_at
    more = {
        "pending": row.is_pending,
        "expired": row.is_pending and expires_at is not None and expires_at <= now,
        "invite_status": "approved",
        "user": None if row.is_pending else {"id": row.user_id, "email": row.email, "name": row.name},
    }
    return Member.model_validate(asdict(row) | more)


class InvitedMember(Member):
    """A new invitation; `invite_link` is null if it was mailed."""

    invite_link: str | None = Field(alias="invite_link")


def invited_member(row: members.Member, now: datetime, link: str | None) -> InvitedMember:
    """Serialize a new invitation."""
    return InvitedMember(**member(row, now).model_dump(), invite_link=link)


class Token(Answer):
    """An API token without its secret."""

    id: Id
    name: str
    scopes: list[str]
    token_last_characters: str = Field(validation_alias="last_characters")
    user: str = Field(validation_alias="email")
    date_created: CreatedAt
    date_expires: datetime | None = Field(validation_alias="expires_at")
    date_last_used: datetime | None = Field(validation_alias="last_used_at")


class CreatedToken(Token):
    """A new API token, with its secret."""

    token: str


class AuditLogActor(Answer):
    """The actor of a change; without an id it is the operator of the machine, or a deleted account."""

    id: str | None
    name: str
    email: str | None


class AuditLogEntry(Answer):
    """A change: `note` describes it, `data` has its details."""

    id: Id
    event: str
    note: str
    actor: AuditLogActor
    ip_address: str | None = Field(validation_alias="address")
    target_object: int | None
    target_user: AuditLogActor | None
    data: dict[str, Any]
    date_created: CreatedAt


class AuditLogs(Answer):
    """A page of changes, newest first, and the possible values of `event=`."""

    rows: list[AuditLogEntry]
    options: list[str]


def audit_log_entry(row: audit_logs.AuditLogEntry) -> AuditLogEntry:
    actor_id = None if row.actor_id is None else str(row.actor_id)
    email = row.actor_label if row.actor_id is not None else None
    target = None
    if row.target_user_id is not None:
        name = row.target_name or row.target_email or ""
        target = AuditLogActor(id=str(row.target_user_id), name=name, email=row.target_email)
    actor = AuditLogActor(id=actor_id, name=row.actor_name or row.actor_label, email=email)
    more = {"note": note_of(row.event, row.data), "actor": actor, "target_user": target}
    return AuditLogEntry.model_validate(asdict(row) | more)
