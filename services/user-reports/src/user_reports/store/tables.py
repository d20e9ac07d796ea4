"""The tables of user-reports."""

from typing import Any, Final

from hearback_kit.db.columns import TIME, columns
from hearback_kit.outbox import outbox_table
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    case,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

METADATA: Final = MetaData()
OUTBOX: Final = outbox_table(METADATA)
GROUP_IDS: Final = Sequence("groups_id_seq", start=1, increment=2, data_type=BigInteger, metadata=METADATA)

GROUPS: Final = Table(
    "groups",
    METADATA,
    Column("id", BigInteger, GROUP_IDS, primary_key=True, server_default=GROUP_IDS.next_value()),
    *columns(BigInteger, "organization_id", "project_id"),
    Column("hash", Uuid, nullable=False),
    *columns(Text, "title", "culprit", "level"),
    *columns(Text, "platform", "logger", nullable=True),
    Column("metadata", JSONB, nullable=False),
    Column("status", Text, nullable=False, server_default="unresolved"),
    Column("status_at", TIME),
    *columns(TIME, "first_seen", "last_seen"),
    Column("times_seen", BigInteger, nullable=False),
    Column("latest_event_id", Uuid, nullable=False),
    Column("latest_received_at", TIME, nullable=False),
    Column("has_seen", Boolean, nullable=False, server_default="false"),
    UniqueConstraint("project_id", "hash", name="groups_project_id_hash_key"),
    Index("groups_last_seen", "last_seen"),
)

FOLLOWERS: Final = Table(
    "followers",
    METADATA,
    Column("group_id", BigInteger, ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("followed_at", TIME, nullable=False),
)

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("project_id", BigInteger, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("received_at", TIME, primary_key=True),
    Column("organization_id", BigInteger, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("timestamp", TIME, nullable=False),
    Column("group_id", BigInteger, nullable=False),
    *columns(Text, "title", "culprit"),
    *columns(Text, "message", "environment", "release", "dist", "platform", "level", nullable=True),
    *columns(Text, "logger", "transaction", "url", nullable=True),
    Column("user", JSONB),
    Column("tags", JSONB, nullable=False),
    Column("replay_id", Text),
    Column("trace", JSONB),
    Column("sdk", Text),
    postgresql_partition_by="RANGE (received_at)",
)
EVENTS_OF_GROUP: Final = Index(
    "events_of_group", EVENTS.c.group_id, EVENTS.c.received_at.desc(), EVENTS.c.event_id.desc()
)

REPORTS: Final = Table(
    "reports",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    *columns(BigInteger, "organization_id", "project_id"),
    Column("event_id", Uuid, nullable=False),
    Column("about_event_id", Uuid),
    *columns(Text, "name", "email", "comments", "source"),
    *columns(TIME, "date_added", "submitted_at"),
    Column("message_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("key_id", BigInteger),
    *columns(Text, "sdk", "remote_addr", nullable=True),
    Column("marks", ARRAY(Text), nullable=False),
    *columns(Text, "accepted_by", "environment", nullable=True),
    Column("group_id", BigInteger),
    *columns(TIME, "linked_at", "event_at", nullable=True),
    Column("event_user", JSONB),
    UniqueConstraint("event_id", "project_id", name="reports_event_id_project_id_key"),
)
_NEWEST: Final = (REPORTS.c.date_added.desc(), REPORTS.c.id.desc())
CONTACT_LENGTH_MAX: Final = 320  # an entry of an index holds no more than some 2,700 bytes
CONTACT: Final[Any] = func.left(
    func.lower(
        func.coalesce(func.nullif(REPORTS.c.email, text("''")), REPORTS.c.event_user.op("->>")(text("'email'")))
    ),
    text(str(CONTACT_LENGTH_MAX)),
)
REPORTS_WAITING: Final = Index(
    "reports_waiting", REPORTS.c.date_added, REPORTS.c.id, postgresql_where=REPORTS.c.group_id.is_(None)
)
NAMED_EVENT_ID: Final = func.coalesce(REPORTS.c.about_event_id, REPORTS.c.event_id)
AWAITED_EVENT_ID: Final[Any] = case((REPORTS.c.group_id.is_(None), NAMED_EVENT_ID))
REPORTS_AWAITING: Final = Index(
    "reports_awaiting", AWAITED_EVENT_ID, REPORTS.c.project_id, postgresql_where=AWAITED_EVENT_ID.is_not(None)
)
REPORTS_OF_PROJECT: Final = Index("reports_of_project", REPORTS.c.project_id, *_NEWEST)
REPORTS_OF_ORGANIZATION: Final = Index("reports_of_organization", REPORTS.c.organization_id, *_NEWEST)
REPORTS_OF_GROUP: Final = Index(
    "reports_of_group", REPORTS.c.group_id, *_NEWEST, postgresql_where=REPORTS.c.group_id.is_not(None)
)
REPORTS_OF_CONTACT: Final = Index("reports_of_contact", CONTACT, REPORTS.c.project_id)

DELETIONS: Final = Table(
    "deletions",
    METADATA,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("submitted_at", TIME, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("deleted_at", TIME, nullable=False),
    Index("deletions_deleted_at", "deleted_at"),
)
REFUSALS: Final = Table(
    "refusals",
    METADATA,
    Column("message_id", Text, primary_key=True),
    Column("refused_at", TIME, nullable=False),
    Index("refusals_refused_at", "refused_at"),
)
