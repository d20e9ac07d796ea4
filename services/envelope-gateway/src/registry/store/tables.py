"""The registry's tables."""

from typing import Any, Final

from hearback_kit.db.columns import TIME, columns
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

METADATA: Final = MetaData()


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _time(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, TIME, nullable=nullable)


def _reference(name: str, target: str, **more: object) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=False, **more)  # type: ignore[arg-type]


def _former_slugs() -> Column[Any]:
    return Column("former_slugs", ARRAY(Text), nullable=False, server_default=text("'{}'"))


def _given(table: str, column: str) -> Index:
    """Return the index of a column that is null in most rows."""
    return Index(f"{table}_{column}", column, postgresql_where=text(f"{column} IS NOT NULL"))


organizations = Table(
    "organizations",
    METADATA,
    _id(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("features", JSONB, nullable=False),
    _time("created_at"),
    _former_slugs(),
    Index(
        "organizations_former_slugs", "former_slugs", postgresql_using="gin", postgresql_with={"fastupdate": "off"}
    ),
)

projects = Table(
    "projects",
    METADATA,
    _id(),
    _reference("organization_id", "organizations"),
    *columns(Text, "slug", "name"),
    Column("platform", Text),
    *columns(JSONB, "options", "quotas"),
    *columns(Boolean, "has_feedbacks", "has_new_feedbacks"),
    _time("created_at"),
    _former_slugs(),
    UniqueConstraint("organization_id", "slug", name="projects_organization_slug"),
    Index("projects_organization_id", "organization_id", "id"),
)

project_keys = Table(
    "project_keys",
    METADATA,
    _id(),
    _reference("project_id", "projects"),
    Column("public", Text, nullable=False, unique=True),
    *columns(Text, "secret", "name"),
    Column("is_active", Boolean, nullable=False),
    _time("created_at"),
    Index("project_keys_project_id", "project_id", "id"),
)

users = Table(
    "users",
    METADATA,
    _id(),
    Column("email", Text, nullable=False),  # lower case
    _time("email_verified_at", nullable=True),
    Column("name", Text),
    Column("password_hash", Text, nullable=False),
    Column("language", Text),
    _time("created_at"),
    _time("last_used_at", nullable=True),  # a sign-in, or the end of a membership
    Index("users_email", "email"),
    Index("users_last_used", text("coalesce(last_used_at, created_at)")),
    # An address belongs to whoever proved it by mail; anybody may claim one, in an account of their own.
    Index("users_verified_email", "email", unique=True, postgresql_where=text("email_verified_at IS NOT NULL")),
)

# Without a user it is an invitation that has not been accepted.
members = Table(
    "members",
    METADATA,
    _id(),
    _reference("organization_id", "organizations"),
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE")),
    Column("role", Text, nullable=False),
    _time("created_at"),
    Column("email", Text),  # who is invited, in lower case
    Column("invited_by", BigInteger, ForeignKey("users.id", ondelete="SET NULL")),
    Column("invitation_digest", Text),
    _time("invitation_expires_at", nullable=True),
    Column("invitation_mailed", Boolean),
    Index("members_invited", "organization_id", "email", unique=True, postgresql_where=text("user_id IS NULL")),
    UniqueConstraint("organization_id", "user_id", name="members_organization_user"),
    Index("members_organization_id", "organization_id", "id"),
    Index("members_user_id", "user_id", "organization_id"),
    _given("members", "invited_by"),
)

tokens = Table(
    "tokens",
    METADATA,
    _id(),
    _reference("organization_id", "organizations"),
    _reference("user_id", "users"),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("last_characters", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _time("created_at"),
    *columns(TIME, "expires_at", "last_used_at", nullable=True),
    Index("tokens_organization_id", "organization_id", "id"),
    Index("tokens_user_id", "user_id"),
    _given("tokens", "expires_at"),
)

sessions = Table(
    "sessions",
    METADATA,
    _id(),
    _reference("user_id", "users"),
    Column("digest", Text, nullable=False, unique=True),
    *columns(TIME, "created_at", "expires_at"),
    Column("address_block", Text),  # where it began
    Index("sessions_user_id", "user_id"),
    Index("sessions_expires_at", "expires_at"),
)

# Mails that have not been sent.
mails = Table(
    "mails",
    METADATA,
    _id(),
    *columns(Text, "recipient", "subject", "body"),
    Column("attempts", Integer, nullable=False),
    *columns(TIME, "due_at", "created_at"),
    Index("mails_due_at", "due_at"),
)

audit_logs = Table(
    "audit_logs",
    METADATA,
    _id(),
    _reference("organization_id", "organizations"),
    Column("event", Text, nullable=False),
    Column("actor_id", BigInteger, ForeignKey("users.id", ondelete="SET NULL")),
    Column("actor_label", Text, nullable=False),
    Column("address", Text),
    Column("target_object", BigInteger),
    Column("target_user_id", BigInteger, ForeignKey("users.id", ondelete="SET NULL")),
    Column("data", JSONB, nullable=False),
    _time("created_at"),
    # Of a change in another service: its message, which may come twice.
    Column("message_id", Uuid, unique=True),
    Index("audit_logs_organization_created_at", "organization_id", "created_at", "id"),
    # The release before lists in this order.
    Index("audit_logs_organization_id", "organization_id", "id"),
    Index("audit_logs_created_at", "created_at"),
    # Who removes an account looks for its references.
    _given("audit_logs", "actor_id"),
    _given("audit_logs", "target_user_id"),
)

# Alerts are on without a row.
project_alerts = Table(
    "project_alerts",
    METADATA,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", BigInteger, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    _time("changed_at"),
    Index("project_alerts_project_id", "project_id"),
)

# Names of snapshots that changed and are not published yet; committed with the change itself.
unpublished = Table("unpublished", METADATA, Column("name", Text, primary_key=True))
