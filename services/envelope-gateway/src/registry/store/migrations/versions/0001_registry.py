"""The registry's tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True)


def _time(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _reference(name: str, target: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, sa.ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=False)


def _text(name: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, **{"nullable": False, **more})


def upgrade() -> None:
    op.create_table(
        "organizations",
        _id(),
        _text("slug", unique=True),
        _text("name"),
        sa.Column("features", JSONB, nullable=False),
        _time("created_at"),
    )
    op.create_table(
        "projects",
        _id(),
        _reference("organization_id", "organizations"),
        _text("slug"),
        _text("name"),
        _text("platform", nullable=True),
        sa.Column("options", JSONB, nullable=False),
        sa.Column("quotas", JSONB, nullable=False),
        sa.Column("has_feedbacks", sa.Boolean, nullable=False),
        sa.Column("has_new_feedbacks", sa.Boolean, nullable=False),
        _time("created_at"),
        sa.UniqueConstraint("organization_id", "slug", name="projects_organization_slug"),
    )
    op.create_index("projects_organization_id", "projects", ["organization_id", "id"])
    op.create_table(
        "project_keys",
        _id(),
        _reference("project_id", "projects"),
        _text("public", unique=True),
        _text("secret"),
        _text("name"),
        sa.Column("is_active", sa.Boolean, nullable=False),
        _time("created_at"),
    )
    op.create_index("project_keys_project_id", "project_keys", ["project_id", "id"])
    op.create_table(
        "users",
        _id(),
        _text("email", unique=True),
        _text("name", nullable=True),
        _text("password_hash"),
        _time("created_at"),
    )
    op.create_table(
        "members",
        _id(),
        _reference("organization_id", "organizations"),
        _reference("user_id", "users"),
        _text("role"),
        _time("created_at"),
        sa.UniqueConstraint("organization_id", "user_id", name="members_organization_user"),
    )
    op.create_index("members_organization_id", "members", ["organization_id", "id"])
    op.create_index("members_user_id", "members", ["user_id", "organization_id"])
    op.create_table(
        "tokens",
        _id(),
        _reference("organization_id", "organizations"),
        _reference("user_id", "users"),
        _text("name"),
        _text("digest", unique=True),
        _text("last_characters"),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        _time("created_at"),
        _time("expires_at", nullable=True),
        _time("last_used_at", nullable=True),
    )
    op.create_index("tokens_organization_id", "tokens", ["organization_id", "id"])
    op.create_index("tokens_user_id", "tokens", ["user_id"])
    op.create_table(
        "sessions",
        _id(),
        _reference("user_id", "users"),
        _text("digest", unique=True),
        _time("created_at"),
        _time("expires_at"),
    )
    op.create_index("sessions_user_id", "sessions", ["user_id"])
    op.create_index("sessions_expires_at", "sessions", ["expires_at"])
    op.create_table("unpublished", _text("name", primary_key=True))
