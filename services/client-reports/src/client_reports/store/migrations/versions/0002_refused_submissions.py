"""What refused submissions said, the usage of the journal, an outbox, and fewer index entries per submission."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE refused_submission (
        project_id bigint NOT NULL,
        id text COLLATE "C" NOT NULL,
        day date NOT NULL,
        digest bytea NOT NULL,
        at timestamptz NOT NULL,
        message text,
        payload text NOT NULL,
        accepted_at timestamptz,
        accepted_by text,
        PRIMARY KEY (project_id, id, day, digest)
    ) PARTITION BY RANGE (day)
    """,
    """
    CREATE TABLE journal_usage (
        project_id bigint NOT NULL,
        day date NOT NULL,
        submissions bigint NOT NULL,
        payload_bytes bigint NOT NULL,
        PRIMARY KEY (project_id, day)
    ) WITH (fillfactor = 50)
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
INDEXES = {
    "state": "state <> 'stored'",
    "source": "source <> 'new_feedback_envelope'",
    "reason": "reason IS NOT NULL",
}


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for name, condition in INDEXES.items():
        op.execute(f"DROP INDEX submission_{name}")
        op.execute(
            f"CREATE INDEX submission_{name} ON submission (project_id, {name}, received_at, id) WHERE {condition}"
        )


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX submission_{name}")
        op.execute(f"CREATE INDEX submission_{name} ON submission (project_id, {name}, received_at, id)")
    for table in ("refused_submission", "journal_usage", "outbox"):
        op.execute(f"DROP TABLE {table}")
