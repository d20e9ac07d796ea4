"""The tables of the notifier."""

from typing import Final

from hearback_kit.db.columns import TIME, columns
from hearback_kit.outbox import outbox_table
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

METADATA: Final = MetaData()
OUTBOX: Final = outbox_table(METADATA)

NOTIFICATION_RULES: Final = Table(
    "notification_rule",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    *columns(BigInteger, "organization_id", "project_id"),
    Column("name", Text, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    *columns(ARRAY(Text), "sources", "environments"),
    Column("contains", Text),
    *columns(Text, "channel", "target", "format", "secret"),
    Column("digest_minutes", Integer, nullable=False),
    Column("created_at", TIME, nullable=False),
    Index("notification_rule_by_project", "project_id", "id"),
)

DECISIONS: Final = Table(
    "decision",
    METADATA,
    Column("project_id", BigInteger, primary_key=True),
    Column("event_id", Text(collation="C"), primary_key=True),
    *columns(Text, "verdict", "rule"),
    Column("decided_at", TIME, nullable=False),
    Index("decision_by_time", "decided_at", postgresql_using="brin"),
)

PENDING, DIGEST, SENT, FAILED, DEAD = "pending", "digest", "sent", "failed", "dead"
FINISHED: Final = (SENT, FAILED, DEAD)
"""The states of deliveries that are not tried any more."""

_WAITS: Final = "state IN ('pending', 'digest')"
DELIVERIES: Final = Table(
    "delivery",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    *columns(BigInteger, "organization_id", "project_id"),
    Column("kind", Text, nullable=False),
    *columns(Text(collation="C"), "subject_id", "destination"),
    *columns(Text, "channel", "target"),
    Column("rule_id", BigInteger),
    Column("label", Text, nullable=False),
    *columns(Text, "language", "unsubscribe_url", nullable=True),
    Column("notice", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", TIME, nullable=False),
    Column("claimed_until", TIME),
    Column("answer", Text),
    Column("digest_id", BigInteger),
    Column("created_at", TIME, nullable=False),
    Column("finished_at", TIME),
    UniqueConstraint("subject_id", "project_id", "kind", "destination", name="delivery_once"),
    Index("delivery_mails_due", "state", "due_at", "id", postgresql_where=text(f"{_WAITS} AND channel = 'email'")),
    Index(
        "delivery_webhooks_due",
        "destination",
        "due_at",
        "id",
        postgresql_where=text(f"{_WAITS} AND channel = 'webhook'"),
    ),
    Index(
        "delivery_digests", "destination", "project_id", "due_at", "id", postgresql_where=text("state = 'digest'")
    ),
    Index("delivery_by_project", "project_id", "id"),
    Index("delivery_of_destination", "destination", "project_id", "created_at"),
    Index("delivery_recent", "destination", "created_at", postgresql_where=text("state IN ('pending', 'sent')")),
    Index("delivery_by_time", "created_at", postgresql_using="brin"),
)

DESTINATIONS: Final = Table(
    "destination",
    METADATA,
    Column("destination", Text(collation="C"), primary_key=True),
    Column("is_off", Boolean, nullable=False, server_default="false"),
    Column("reason", Text),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("rests_until", TIME),
    Column("changed_at", TIME, nullable=False),
)
