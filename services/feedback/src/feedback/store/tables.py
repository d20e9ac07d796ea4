"""The tables. Issue ids are even: error groups, kept by user-reports, are odd."""

from hearback_kit.db.columns import TIME, columns
from hearback_kit.outbox import outbox_table
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

METADATA = MetaData()
FEEDBACK_ID = Sequence("feedback_id_seq", start=2, increment=2, metadata=METADATA)

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("id", BigInteger, FEEDBACK_ID, server_default=FEEDBACK_ID.next_value(), primary_key=True),
    *columns(BigInteger, "organization_id", "project_id"),
    *columns(Text, "event_id", "submission_id"),
    Column("revision", Integer, nullable=False),
    *columns(Text, "source", "occurrence_id", "fingerprint", "short_id", "title", "message"),
    *columns(Text, "name", "contact_email", "url", nullable=True),
    Column("environment", Text, nullable=False),
    *columns(Text, "release", "dist", nullable=True),
    *columns(Text, "platform", "level"),
    *columns(Text, "sdk_name", "user_id", "user_name", "user_email", "associated_event_id", nullable=True),
    Column("error_occurred_at", TIME),
    *columns(TIME, "first_seen", "received_at"),
    Column("status", Text, nullable=False, server_default="unresolved"),
    Column("substatus", Text),
    Column("priority", Text, nullable=False, server_default="medium"),
    Column("status_details", JSONB, nullable=False, server_default=text("'{}'")),
    Column("triaged", Boolean, nullable=False, server_default=text("false")),  # a person chose the status
    Column("assigned_to", BigInteger),
    Column("has_seen", Boolean, nullable=False, server_default=text("false")),
    *columns(JSONB, "tags", "evidence", "event"),
    Column("facets", ARRAY(Text), nullable=False),
    Column("search", TSVECTOR, nullable=False),
    UniqueConstraint("event_id", "project_id", name="feedback_event"),
)

_NEWEST = (text("first_seen DESC"), text("id DESC"))
Index("feedback_seen_mailbox", FEEDBACK.c.project_id, FEEDBACK.c.status, *_NEWEST)
Index("feedback_seen", FEEDBACK.c.organization_id, *_NEWEST)
Index("feedback_short_id", FEEDBACK.c.organization_id, FEEDBACK.c.short_id)
# What waits to be merged into these (kB) is merged by a job, long before an insert has to.
_PENDING = {"gin_pending_list_limit": 16_384}
Index("feedback_facets", FEEDBACK.c.facets, postgresql_using="gin", postgresql_with=_PENDING)
Index("feedback_search", FEEDBACK.c.search, postgresql_using="gin", postgresql_with=_PENDING)
Index(
    "feedback_trigrams",
    FEEDBACK.c.message,
    FEEDBACK.c.url,
    FEEDBACK.c.user_email,
    postgresql_using="gin",
    postgresql_with=_PENDING,
    postgresql_ops={"message": "gin_trgm_ops", "url": "gin_trgm_ops", "user_email": "gin_trgm_ops"},
)

# Who changed what: `before` and `after` are the columns that a change was about. What one request changed
# shares a `change_id`.
ACTIVITY = Table(
    "activity",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("feedback_id", BigInteger, ForeignKey("feedback.id", ondelete="CASCADE"), nullable=False),
    Column("change_id", Text, nullable=False),
    Column("at", TIME, nullable=False),
    Column("actor", Text),
    Column("kind", Text, nullable=False),
    *columns(JSONB, "before", "after"),
    Index("activity_feedback", "feedback_id", "id"),
    Index("activity_change", "change_id"),
)

# Names of tags and context fields that an organization's feedback has: what a search may ask for.
SEARCH_NAME = Table(
    "search_name",
    METADATA,
    Column("organization_id", BigInteger, primary_key=True),
    Column("name", Text, primary_key=True),
)

# What an organization's triage taught the spam classifier.
SPAM_TAUGHT = Table(
    "spam_taught",
    METADATA,
    Column("organization_id", BigInteger, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("taught", LargeBinary, nullable=False),
)

# Submissions that ended without a feedback, or whose feedback was deleted: a redelivery changes nothing.
CLOSED_SUBMISSION = Table(
    "closed_submission",
    METADATA,
    Column("project_id", BigInteger, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("closed_at", TIME, nullable=False),
    Index("closed_submission_at", "closed_at"),
)

# The short ids that a project has used, and which of its flags the registry knows.
PROJECT = Table(
    "project",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("numbers_used", BigInteger, nullable=False, server_default=text("0")),
    Column("has_new_feedbacks", Boolean, nullable=False, server_default=text("false")),
    Column("announced_new_feedbacks", Boolean),
)

# A deleted attachment stays as a mark until it is forgotten: a redelivery must not bring it back, and its
# bytes are deleted only after the deletion was committed.
ATTACHMENT = Table(
    "attachment",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("attachment_id", Text, nullable=False, unique=True),
    *columns(BigInteger, "organization_id", "project_id"),
    *columns(Text, "event_id", "name"),
    Column("content_type", Text),
    Column("attachment_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    *columns(Text, "sha1", "blob_key"),
    Column("received_at", TIME, nullable=False),
    Column("event_found", Boolean, nullable=False, server_default=text("false")),
    Column("deleted_at", TIME),
    Column("deleted_reason", Text),
    Column("bytes_deleted", Boolean, nullable=False, server_default=text("false")),
    Index("attachment_of_event", "event_id", "project_id"),
    Index("attachment_age", "project_id", "received_at", postgresql_where=text("deleted_at IS NULL")),
    Index("attachment_orphan", "received_at", postgresql_where=text("NOT event_found AND deleted_at IS NULL")),
    Index("attachment_pending", "id", postgresql_where=text("deleted_at IS NOT NULL AND NOT bytes_deleted")),
    Index("attachment_forgotten", "deleted_at", postgresql_where=text("bytes_deleted")),
)

OUTBOX = outbox_table(METADATA)
