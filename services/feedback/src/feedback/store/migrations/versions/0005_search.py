"""Lists by the time that rows show, priorities, and every value of an event as a search key."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_BACKFILL = """
WITH pairs AS (
    SELECT f.id, lower(c.key || '.' || v.key) AS key, lower(v.value) AS value
    FROM feedback f
    CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(f.event -> 'contexts') WHEN 'object' THEN f.event -> 'contexts'
                                  ELSE '{}' END) c
    CROSS JOIN LATERAL jsonb_each_text(CASE jsonb_typeof(c.value) WHEN 'object' THEN c.value ELSE '{}' END) v
    WHERE c.key NOT IN ('feedback', 'trace', 'replay') AND v.key <> 'type'
      AND jsonb_typeof(c.value -> v.key) IN ('string', 'number', 'boolean')
    UNION ALL SELECT id, 'trace', lower(event #>> '{contexts,trace,trace_id}') FROM feedback
    UNION ALL SELECT id, 'span', lower(event #>> '{contexts,trace,span_id}') FROM feedback
    UNION ALL SELECT id, 'replay_id', lower(event #>> '{contexts,replay,replay_id}') FROM feedback
    UNION ALL SELECT id, 'locale.lang', lower(event #>> '{contexts,culture,locale}') FROM feedback
    UNION ALL SELECT id, 'locale.timezone', lower(event #>> '{contexts,culture,timezone}') FROM feedback
    UNION ALL SELECT id, 'sdk.version', lower(event #>> '{sdk,version}') FROM feedback
    UNION ALL SELECT id, 'transaction', lower(event #>> '{additional,transaction}') FROM feedback
    UNION ALL SELECT id, 'user.ip', lower(event #>> '{user,ip_address}') FROM feedback
    UNION ALL SELECT id, 'http.method', lower(event #>> '{request,method}') FROM feedback
    UNION ALL SELECT id, 'is_spam', coalesce(evidence ->> 'is_spam', 'null') FROM feedback
    UNION ALL SELECT id, 'spam_detection_enabled', evidence ->> 'spam_detection_enabled' FROM feedback
), terms AS (
    SELECT id, array_agg(DISTINCT term) AS terms FROM (
        SELECT id, left(key, 200) AS term FROM pairs WHERE value <> ''
        UNION ALL SELECT id, left(key || '=' || value, 200) FROM pairs WHERE value <> ''
    ) t GROUP BY id
)
UPDATE feedback SET facets = ARRAY(SELECT DISTINCT unnest(feedback.facets || terms.terms) ORDER BY 1)
FROM terms WHERE terms.id = feedback.id
"""

_NAMES = """
INSERT INTO search_name (organization_id, name)
SELECT DISTINCT organization_id, left(lower(tag), 200) FROM feedback, jsonb_object_keys(tags) tag
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.add_column("feedback", sa.Column("priority", sa.Text, nullable=False, server_default="medium"))
    op.execute("CREATE INDEX feedback_seen_mailbox ON feedback (project_id, status, first_seen DESC, id DESC)")
    op.execute("CREATE INDEX feedback_seen ON feedback (organization_id, first_seen DESC, id DESC)")
    op.execute("DROP INDEX feedback_arrivals")
    op.create_table(
        "search_name",
        sa.Column("organization_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
    )
    op.execute(_BACKFILL)
    op.execute(_NAMES)
