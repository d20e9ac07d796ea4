"""The tables. What grows with traffic is partitioned by time: old rows are dropped with their partition."""

from typing import Final

from hearback_kit.db.columns import TIME, columns
from hearback_kit.outbox import outbox_table
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from client_reports.domain.buckets import DAYS, HOURS, MINUTES, Layout

METADATA: Final = MetaData()
DETAILS: Final = ("key_id", "sdk")


def _counters(name: str, layout: Layout, *, has_details: bool = True) -> Table:
    """Return a table of sums; `bucket` is the start of a row. One quantity may need 64 bits: sums are numeric."""
    details = (Column("key_id", BigInteger), Column("sdk", Text(collation="C"))) if has_details else ()
    return Table(
        name,
        METADATA,
        *columns(TIME, "bucket"),
        *columns(BigInteger, "organization_id", "project_id"),
        *columns(SmallInteger, "category", "outcome"),
        Column("reason", Text(collation="C")),
        *details,
        *(Column(name, BigInteger, nullable=False, server_default="0") for name in layout.columns("times")),
        *(Column(name, Numeric(40, 0), nullable=False, server_default="0") for name in layout.columns("quantity")),
        Index(
            f"{name}_identity",
            "project_id",
            "bucket",
            "category",
            "outcome",
            "reason",
            *(column.name for column in details),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        postgresql_partition_by="RANGE (bucket)",
    )


COUNTER_MINUTES: Final = _counters("counter_minutes", MINUTES)
COUNTER_HOURS: Final = _counters("counter_hours", HOURS)
COUNTER_HOUR_TOTALS: Final = _counters("counter_hour_totals", HOURS, has_details=False)
COUNTER_DAYS: Final = _counters("counter_days", DAYS)
COUNTERS: Final = {
    COUNTER_MINUTES: MINUTES,
    COUNTER_HOURS: HOURS,
    COUNTER_HOUR_TOTALS: HOURS,
    COUNTER_DAYS: DAYS,
}
"""The layout of each table of counters."""

PROCESSED: Final = Table(
    "processed",
    METADATA,
    Column("day", Date, primary_key=True),
    Column("message_id", Uuid, primary_key=True),
    postgresql_partition_by="RANGE (day)",
)

SUBMISSION: Final = Table(
    "submission",
    METADATA,
    Column("project_id", BigInteger),
    Column("id", Text(collation="C")),
    Column("day", Date),
    PrimaryKeyConstraint("id", "day", "project_id"),
    Column("organization_id", BigInteger, nullable=False),
    *columns(TIME, "received_at"),
    Column("source", Text),
    Column("state", Text, nullable=False),
    *columns(Text, "reason", "feedback_id", nullable=True),
    Column("steps", JSONB, nullable=False),
    Index("submission_received", "project_id", "received_at", "id"),
    # What most submissions have in common is found by time: to index it would cost each of them three entries.
    *(
        Index(
            f"submission_{name}",
            "project_id",
            name,
            "received_at",
            "id",
            postgresql_where=text(condition),
        )
        for name, condition in (
            ("state", "state <> 'stored'"),
            ("source", "source <> 'new_feedback_envelope'"),
            ("reason", "reason IS NOT NULL"),
        )
    ),
    postgresql_partition_by="RANGE (day)",
)

REFUSED_SUBMISSION: Final = Table(
    "refused_submission",
    METADATA,
    Column("project_id", BigInteger, primary_key=True),
    Column("id", Text(collation="C"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    *columns(TIME, "at"),
    Column("message", Text),
    Column("payload", Text, nullable=False),
    Column("accepted_at", TIME),
    Column("accepted_by", Text),
    postgresql_partition_by="RANGE (day)",
)

JOURNAL_USAGE: Final = Table(
    "journal_usage",
    METADATA,
    Column("project_id", BigInteger, primary_key=True),
    Column("day", Date, primary_key=True),
    *columns(BigInteger, "submissions", "payload_bytes"),
)

OUTBOX: Final = outbox_table(METADATA)

PROJECT_ACTIVITY: Final = Table(
    "project_activity",
    METADATA,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    *columns(TIME, "last_seen"),
)

ALERT_RULE: Final = Table(
    "alert_rule",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    *columns(BigInteger, "organization_id", "project_id"),
    *columns(Text, "name", "kind"),
    Column("reasons", ARRAY(Text)),
    Column("category", SmallInteger),
    Column("threshold", Float, nullable=False),
    Column("enabled", Boolean, nullable=False),
    *columns(TIME, "created_at"),
    Column("status", Text, nullable=False),
    Column("value", Float),
    *columns(TIME, "low_since", "evaluated_at", "triggered_at", "resolved_at", nullable=True),
    Index("alert_rule_organization", "organization_id", "id"),
)

ALERT_EVENT: Final = Table(
    "alert_event",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("rule_id", BigInteger, nullable=False),
    *columns(TIME, "at"),
    Column("status", Text, nullable=False),
    Column("value", Float),
    Index("alert_event_rule", "rule_id", "id"),
)
