"""All tables: feedback issues, their attachments and activity, what searches and the classifier know, the outbox.

It has the number of the last of the migrations that led here before a release.
"""

from alembic import op

revision = "0007"
down_revision = None

STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE SEQUENCE feedback_id_seq AS bigint START WITH 2 INCREMENT BY 2",
    """
    CREATE TABLE feedback (
        id bigint PRIMARY KEY DEFAULT nextval('feedback_id_seq'),
        organization_id bigint NOT NULL,
        project_id bigint NOT NULL,
        event_id text NOT NULL,
        submission_id text NOT NULL,
        revision integer NOT NULL,
        source text NOT NULL,
        occurrence_id text NOT NULL,
        fingerprint text NOT NULL,
        short_id text NOT NULL,
        title text NOT NULL,
        message text NOT NULL,
        name text,
        contact_email text,
        url text,
        environment text NOT NULL,
        release text,
        dist text,
        platform text NOT NULL,
        level text NOT NULL,
        sdk_name text,
        user_id text,
        user_name text,
        user_email text,
        associated_event_id text,
        error_occurred_at timestamptz,
        first_seen timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        status text NOT NULL DEFAULT 'unresolved',
        substatus text,
        status_details jsonb NOT NULL DEFAULT '{}',
        assigned_to bigint,
        has_seen boolean NOT NULL DEFAULT false,
        tags jsonb NOT NULL,
        evidence jsonb NOT NULL,
        event jsonb NOT NULL,
        facets text[] NOT NULL,
        search tsvector NOT NULL,
        triaged boolean NOT NULL DEFAULT false,
        priority text NOT NULL DEFAULT 'medium',
        CONSTRAINT feedback_event UNIQUE (project_id, event_id)
    ) WITH (autovacuum_analyze_scale_factor = 0.02)
    """,
    "ALTER SEQUENCE feedback_id_seq OWNED BY feedback.id",
    "ALTER TABLE feedback ALTER COLUMN facets SET STATISTICS 500, ALTER COLUMN search SET STATISTICS 500",
    "CREATE INDEX feedback_mailbox ON feedback (project_id, status, received_at DESC, id DESC)",
    "CREATE INDEX feedback_seen_mailbox ON feedback (project_id, status, first_seen DESC, id DESC)",
    "CREATE INDEX feedback_seen ON feedback (organization_id, first_seen DESC, id DESC)",
    "CREATE INDEX feedback_short_id ON feedback (organization_id, short_id)",
    "CREATE INDEX feedback_facets ON feedback USING gin (facets)",
    "CREATE INDEX feedback_search ON feedback USING gin (search)",
    """
    CREATE INDEX feedback_trigrams ON feedback
        USING gin (message gin_trgm_ops, url gin_trgm_ops, user_email gin_trgm_ops)
    """,
    """
    CREATE TABLE activity (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        feedback_id bigint NOT NULL REFERENCES feedback ON DELETE CASCADE,
        change_id text NOT NULL,
        at timestamptz NOT NULL,
        actor text,
        kind text NOT NULL,
        before jsonb NOT NULL,
        after jsonb NOT NULL
    )
    """,
    "CREATE INDEX activity_feedback ON activity (feedback_id, id)",
    "CREATE INDEX activity_change ON activity (change_id)",
    """
    CREATE TABLE attachment (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        attachment_id text NOT NULL UNIQUE,
        organization_id bigint NOT NULL,
        project_id bigint NOT NULL,
        event_id text NOT NULL,
        name text NOT NULL,
        content_type text,
        attachment_type text NOT NULL,
        size bigint NOT NULL,
        sha1 text NOT NULL,
        blob_key text NOT NULL,
        received_at timestamptz NOT NULL,
        event_found boolean NOT NULL DEFAULT false,
        deleted_at timestamptz,
        deleted_reason text,
        bytes_deleted boolean NOT NULL DEFAULT false
    )
    """,
    "CREATE INDEX attachment_event ON attachment (project_id, event_id)",
    "CREATE INDEX attachment_age ON attachment (project_id, received_at) WHERE deleted_at IS NULL",
    "CREATE INDEX attachment_orphan ON attachment (received_at) WHERE NOT event_found AND deleted_at IS NULL",
    "CREATE INDEX attachment_pending ON attachment (id) WHERE deleted_at IS NOT NULL AND NOT bytes_deleted",
    "CREATE INDEX attachment_forgotten ON attachment (deleted_at) WHERE bytes_deleted",
    "CREATE TABLE search_name (organization_id bigint, name text, PRIMARY KEY (organization_id, name))",
    "CREATE TABLE spam_taught (organization_id bigint PRIMARY KEY, version bigint NOT NULL, taught bytea NOT NULL)",
    """
    CREATE TABLE closed_submission (
        project_id bigint,
        event_id text,
        revision integer NOT NULL,
        reason text NOT NULL,
        closed_at timestamptz NOT NULL,
        PRIMARY KEY (project_id, event_id)
    )
    """,
    "CREATE INDEX closed_submission_at ON closed_submission (closed_at)",
    """
    CREATE TABLE project (
        id bigint PRIMARY KEY,
        numbers_used bigint NOT NULL DEFAULT 0,
        has_new_feedbacks boolean NOT NULL DEFAULT false,
        announced_new_feedbacks boolean
    )
    """,
    """
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key text NOT NULL,
        type text NOT NULL,
        version text NOT NULL,
        data bytea NOT NULL,
        body bytea,
        traceparent text
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
