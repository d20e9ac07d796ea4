"""Notification rules, decisions, deliveries, destinations, the outbox."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
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
    """
    CREATE TABLE notification_rule (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        organization_id bigint NOT NULL,
        project_id bigint NOT NULL,
        name text NOT NULL,
        is_enabled boolean NOT NULL,
        sources text[] NOT NULL,
        environments text[] NOT NULL,
        contains text,
        channel text NOT NULL,
        target text NOT NULL,
        format text NOT NULL,
        secret text NOT NULL,
        digest_minutes integer NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX notification_rule_by_project ON notification_rule (project_id, id)",
    """
    CREATE TABLE decision (
        project_id bigint NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        verdict text NOT NULL,
        rule text NOT NULL,
        decided_at timestamptz NOT NULL,
        PRIMARY KEY (project_id, event_id)
    )
    """,
    "CREATE INDEX decision_by_time ON decision USING brin (decided_at)",
    """
    CREATE TABLE delivery (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        organization_id bigint NOT NULL,
        project_id bigint NOT NULL,
        kind text NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        destination text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        target text NOT NULL,
        rule_id bigint,
        label text NOT NULL,
        language text,
        unsubscribe_url text,
        notice jsonb NOT NULL,
        state text NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        claimed_until timestamptz,
        answer text,
        digest_id bigint,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        CONSTRAINT delivery_once UNIQUE (project_id, kind, subject_id, destination)
    )
    """,
    "CREATE INDEX delivery_by_due ON delivery (due_at, id) WHERE state IN ('pending', 'digest')",
    "CREATE INDEX delivery_by_project ON delivery (project_id, id)",
    "CREATE INDEX delivery_by_destination ON delivery (destination, created_at)",
    "CREATE INDEX delivery_by_time ON delivery USING brin (created_at)",
    """
    CREATE TABLE destination (
        destination text COLLATE "C" PRIMARY KEY,
        is_off boolean NOT NULL DEFAULT false,
        reason text,
        failures integer NOT NULL DEFAULT 0,
        rests_until timestamptz,
        changed_at timestamptz NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("destination", "delivery", "decision", "notification_rule", "outbox"):
        op.execute(f"DROP TABLE {table}")
