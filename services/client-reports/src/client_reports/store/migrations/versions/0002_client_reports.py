"""Counters, processed messages, the journal of submissions and what refused ones said, alert rules, the outbox.

It has the number of the last of the migrations that led here before a release.
"""

from alembic import op

revision = "0002"
down_revision = None

COUNTERS = """
CREATE TABLE counter_{unit} (
    bucket timestamptz NOT NULL,
    organization_id bigint NOT NULL,
    project_id bigint NOT NULL,
    category smallint NOT NULL,
    outcome smallint NOT NULL,
    reason text COLLATE "C",
    {details}{sums}
) PARTITION BY RANGE (bucket)
"""

# How many buckets lie side by side in one row.
CELLS = {"minutes": 1, "hours": 24, "hour_totals": 24, "days": 30}

COUNTERS_IDENTITY = """
CREATE UNIQUE INDEX counter_{unit}_identity ON counter_{unit}
    (project_id, bucket, category, outcome, reason{details}) NULLS NOT DISTINCT
"""

OTHERS = (
    """
    CREATE TABLE processed (day date, message_id uuid, PRIMARY KEY (day, message_id)) PARTITION BY RANGE (day)
    """,
    """
    CREATE TABLE submission (
        project_id bigint NOT NULL,
        id text COLLATE "C" NOT NULL,
        day date NOT NULL,
        organization_id bigint NOT NULL,
        received_at timestamptz NOT NULL,
        source text,
        state text NOT NULL,
        reason text,
        feedback_id text,
        steps jsonb NOT NULL,
        PRIMARY KEY (project_id, id, day)
    ) PARTITION BY RANGE (day)
    """,
    "CREATE INDEX submission_received ON submission (project_id, received_at, id)",
    "CREATE INDEX submission_state ON submission (project_id, state, received_at, id) WHERE state <> 'stored'",
    """
    CREATE INDEX submission_source ON submission (project_id, source, received_at, id)
        WHERE source <> 'new_feedback_envelope'
    """,
    "CREATE INDEX submission_reason ON submission (project_id, reason, received_at, id) WHERE reason IS NOT NULL",
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
    "CREATE TABLE project_activity (project_id bigint PRIMARY KEY, last_seen timestamptz NOT NULL)",
    """
    CREATE TABLE alert_rule (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        organization_id bigint NOT NULL,
        project_id bigint NOT NULL,
        name text NOT NULL,
        kind text NOT NULL,
        reasons text[],
        category smallint,
        threshold double precision NOT NULL,
        enabled boolean NOT NULL,
        created_at timestamptz NOT NULL,
        status text NOT NULL,
        value double precision,
        low_since timestamptz,
        evaluated_at timestamptz,
        triggered_at timestamptz,
        resolved_at timestamptz
    )
    """,
    "CREATE INDEX alert_rule_organization ON alert_rule (organization_id, id)",
    """
    CREATE TABLE alert_event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        rule_id bigint NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
        at timestamptz NOT NULL,
        status text NOT NULL,
        value double precision
    )
    """,
    "CREATE INDEX alert_event_rule ON alert_event (rule_id, id)",
)


def _sums(cells: int) -> str:
    suffixes = [""] if cells == 1 else [f"_{cell}" for cell in range(cells)]
    times = [f"times{suffix} bigint NOT NULL DEFAULT 0" for suffix in suffixes]
    quantities = [f"quantity{suffix} numeric(40, 0) NOT NULL DEFAULT 0" for suffix in suffixes]
    return ",\n    ".join(times + quantities)


def upgrade() -> None:
    for unit, cells in CELLS.items():
        detailed = unit != "hour_totals"
        columns = 'key_id bigint, sdk text COLLATE "C",\n    ' if detailed else ""
        op.execute(COUNTERS.format(unit=unit, details=columns, sums=_sums(cells)))
        op.execute(COUNTERS_IDENTITY.format(unit=unit, details=", key_id, sdk" if detailed else ""))
    for statement in OTHERS:
        op.execute(statement)
