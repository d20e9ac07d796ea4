"""Response bodies. Ids are strings of digits, as Sentry's clients expect."""

from datetime import datetime
from typing import Any

from hearback_contracts.options import Option
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from registry.domain.audit import note_of
from registry.domain.dsns import dsns_of
from registry.domain.options import features_with_defaults, with_defaults
from registry.store import audit_logs, keys, members, organizations, projects, tokens, users


class Answer(BaseModel):
    """A JSON object with names in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Organization(Answer):
    """An organization; `features` has every flag by its full name."""

    id: str
    slug: str
    name: str
    date_created: datetime
    status: dict[str, str]
    features: dict[str, bool]


def organization(row: organizations.Organization) -> Organization:
    return Organization(
        id=str(row.id),
        slug=row.slug,
        name=row.name,
        date_created=row.created_at,
        status={"id": "active", "name": "active"},
        features=features_with_defaults(row.features),
    )


class OrganizationRef(Answer):
    """An organization as its projects show it."""

    id: str
    slug: str
    name: str


class Project(Answer):
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


def project(row: projects.Project) -> Project:
    options = with_defaults(row.options)
    return Project(
        id=str(row.id),
        slug=row.slug,
        name=row.name,
        platform=row.platform,
        date_created=row.created_at,
        status="active",
        is_member=True,
        has_access=True,
        has_feedbacks=row.has_feedbacks,
        has_new_feedbacks=row.has_new_feedbacks,
        allowed_domains=options[Option.ORIGINS],
        options=options,
        features=[],
        organization=OrganizationRef(
            id=str(row.organization_id), slug=row.organization_slug, name=row.organization_name
        ),
    )


class Key(Answer):
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


def key(row: keys.Key, public_url: str) -> Key:
    """Serialize a client key with DSNs for the fleet at `public_url`."""
    return Key(
        id=str(row.id),
        public=row.public,
        secret=row.secret,
        name=row.name,
        label=row.name,
        is_active=row.is_active,
        project_id=row.project_id,
        dsn=dsns_of(public_url, row.project_id, row.public, row.secret),
        date_created=row.created_at,
    )


class User(Answer):
    """An account."""

    id: str
    email: str
    name: str | None
    username: str


def user(row: users.User) -> User:
    """Serialize an account."""
    return User(id=str(row.id), email=row.email, name=row.name, username=row.email)


class Account(User):
    """The caller's own account; `options` has the language of mails, null for English."""

    is_email_verified: bool
    options: dict[str, str | None]


def account(row: users.User) -> Account:
    """Serialize the caller's own account."""
    return Account(
        **user(row).model_dump(),
        is_email_verified=row.email_verified_at is not None,
        options={"language": row.language},
    )


class Member(Answer):
    """A member of an organization; `pending` (and without a user) until the invitation is accepted."""

    id: str
    email: str
    name: str | None
    role: str
    org_role: str
    pending: bool
    expired: bool
    invite_status: str
    inviter_name: str | None
    date_created: datetime
    user: User | None


def member(row: members.Member, now: datetime) -> Member:
    expires_at = row.invitation_expires_at
    account = None
    if row.user_id is not None:
        account = User(id=str(row.user_id), email=row.email, name=row.name, username=row.email)
    return Member(
        id=str(row.id),
        email=row.email,
        name=row.name,
        role=row.role,
        org_role=row.role,
        pending=row.is_pending,
        expired=row.is_pending and expires_at is not None and expires_at <= now,
        invite_status="approved",
        inviter_name=row.inviter_name,
        date_created=row.created_at,
        user=account,
    )


class InvitedMember(Member):
    """A new invitation; `invite_link` is null if it was mailed."""

    invite_link: str | None = Field(alias="invite_link")


def invited_member(row: members.Member, now: datetime, link: str | None) -> InvitedMember:
    """Serialize a new invitation."""
    return InvitedMember(**member(row, now).model_dump(), invite_link=link)


class Token(Answer):
    """An API token without its secret."""

    id: str
    name: str
    scopes: list[str]
    token_last_characters: str
    user: str
    date_created: datetime
    date_expires: datetime | None
    date_last_used: datetime | None


def token(row: tokens.Token) -> Token:
    """Serialize a token."""
    return Token(
        id=str(row.id),
        name=row.name,
        scopes=row.scopes,
        token_last_characters=row.last_characters,
        user=row.email,
        date_created=row.created_at,
        date_expires=row.expires_at,
        date_last_used=row.last_used_at,
    )


class CreatedToken(Token):
    """A new API token, with its secret."""

    token: str


def created_token(row: tokens.Token, secret: str) -> CreatedToken:
    """Serialize a new token with its secret."""
    return CreatedToken(**token(row).model_dump(), token=secret)


class AuditLogActor(Answer):
    """The actor of a change; without an id it is the operator of the machine, or a deleted account."""

    id: str | None
    name: str
    email: str | None


class AuditLogEntry(Answer):
    """A change: `note` describes it, `data` has its details."""

    id: str
    event: str
    note: str
    actor: AuditLogActor
    ip_address: str | None
    target_object: int | None
    target_user: AuditLogActor | None
    data: dict[str, Any]
    date_created: datetime


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
    return AuditLogEntry(
        id=str(row.id),
        event=row.event,
        note=note_of(row.event, row.data),
        actor=AuditLogActor(id=actor_id, name=row.actor_name or row.actor_label, email=email),
        ip_address=row.address,
        target_object=row.target_object,
        target_user=target,
        data=row.data,
        date_created=row.created_at,
    )
