"""The registry's tables."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

METADATA: Final = MetaData()


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _time(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _reference(name: str, target: str, **more: object) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=False, **more)  # type: ignore[arg-type]


organizations = Table(
    "organizations",
    METADATA,
    _id(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("features", JSONB, nullable=False),
    _time("created_at"),
)

projects = Table(
    "projects",
    METADATA,
    _id(),
    _reference("organization_id", "organizations"),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("platform", Text),
    Column("options", JSONB, nullable=False),
    Column("quotas", JSONB, nullable=False),
    Column("has_feedbacks", Boolean, nullable=False),
    Column("has_new_feedbacks", Boolean, nullable=False),
    _time("created_at"),
    UniqueConstraint("organization_id", "slug", name="projects_organization_slug"),
    Index("projects_organization_id", "organization_id", "id"),
)

project_keys = Table(
    "project_keys",
    METADATA,
    _id(),
    _reference("project_id", "projects"),
    Column("public", Text, nullable=False, unique=True),
    Column("secret", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    _time("created_at"),
    Index("project_keys_project_id", "project_id", "id"),
)

users = Table(
    "users",
    METADATA,
    _id(),
    Column("email", Text, nullable=False, unique=True),  # lower case
    Column("name", Text),
    Column("password_hash", Text, nullable=False),
    _time("created_at"),
)

members = Table(
    "members",
    METADATA,
    _id(),
    _reference("organization_id", "organizations"),
    _reference("user_id", "users"),
    Column("role", Text, nullable=False),
    _time("created_at"),
    UniqueConstraint("organization_id", "user_id", name="members_organization_user"),
    Index("members_organization_id", "organization_id", "id"),
    Index("members_user_id", "user_id", "organization_id"),
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
    _time("expires_at", nullable=True),
    _time("last_used_at", nullable=True),
    Index("tokens_organization_id", "organization_id", "id"),
    Index("tokens_user_id", "user_id"),
)

sessions = Table(
    "sessions",
    METADATA,
    _id(),
    _reference("user_id", "users"),
    Column("digest", Text, nullable=False, unique=True),
    _time("created_at"),
    _time("expires_at"),
    Index("sessions_user_id", "user_id"),
    Index("sessions_expires_at", "expires_at"),
)

# Names of snapshots that changed and are not published yet; committed with the change itself.
unpublished = Table("unpublished", METADATA, Column("name", Text, primary_key=True))
