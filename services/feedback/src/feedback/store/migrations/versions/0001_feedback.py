"""Feedback issues, closed submissions, projects, outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE SEQUENCE feedback_id_seq AS bigint START WITH 2 INCREMENT BY 2")
    _feedback()
    op.create_table(
        "closed_submission",
        sa.Column("project_id", sa.BigInteger, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("closed_submission_at", "closed_submission", ["closed_at"])
    op.create_table(
        "project",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("numbers_used", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("has_new_feedbacks", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("announced_new_feedbacks", sa.Boolean),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("traceparent", sa.Text),
    )


def _feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column(
            "id", sa.BigInteger, server_default=sa.text("nextval('feedback_id_seq')"), primary_key=True
        ),
        sa.Column("organization_id", sa.BigInteger, nullable=False),
        sa.Column("project_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("submission_id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("occurrence_id", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("short_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("contact_email", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("release", sa.Text),
        sa.Column("dist", sa.Text),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("sdk_name", sa.Text),
        sa.Column("user_id", sa.Text),
        sa.Column("user_name", sa.Text),
        sa.Column("user_email", sa.Text),
        sa.Column("associated_event_id", sa.Text),
        sa.Column("error_occurred_at", sa.DateTime(timezone=True)),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="unresolved"),
        sa.Column("substatus", sa.Text),
        sa.Column("status_details", postgresql.JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("assigned_to", sa.BigInteger),
        sa.Column("has_seen", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("tags", postgresql.JSONB, nullable=False),
        sa.Column("evidence", postgresql.JSONB, nullable=False),
        sa.Column("event", postgresql.JSONB, nullable=False),
        sa.Column("facets", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("search", postgresql.TSVECTOR, nullable=False),
        sa.UniqueConstraint("project_id", "event_id", name="feedback_event"),
    )
    op.execute("ALTER SEQUENCE feedback_id_seq OWNED BY feedback.id")
    op.execute("CREATE INDEX feedback_mailbox ON feedback (project_id, status, received_at DESC, id DESC)")
    op.execute("CREATE INDEX feedback_short_id ON feedback (organization_id, short_id)")
    op.execute("CREATE INDEX feedback_facets ON feedback USING gin (facets)")
    op.execute("CREATE INDEX feedback_search ON feedback USING gin (search)")
    op.execute(
        "CREATE INDEX feedback_trigrams ON feedback USING gin"
        " (message gin_trgm_ops, url gin_trgm_ops, user_email gin_trgm_ops)"
    )
    # Lists and retention go by the newest; the planner should know the values that searches ask for.
    op.execute("ALTER TABLE feedback ALTER COLUMN facets SET STATISTICS 500")
    op.execute("ALTER TABLE feedback ALTER COLUMN search SET STATISTICS 500")
    op.execute("ALTER TABLE feedback SET (autovacuum_analyze_scale_factor = 0.02)")
