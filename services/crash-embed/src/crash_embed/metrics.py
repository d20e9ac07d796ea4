"""Every metric of crash-embed."""

from prometheus_client import Counter

SCRIPTS = Counter("crash_embed_scripts", "Dialog scripts served, by status (200, 304).", ["status"])
FORMS = Counter(
    "crash_embed_forms",
    "Forms by result: accepted, invalid, too_large, encoded, feature_disabled, rate_limited, cors, project_id,"
    " unavailable.",
    ["result"],
)
REFUSALS = Counter(
    "crash_embed_refusals",
    "Requests refused, by check: eventId, dsn, origin, limit, size, encoding, feature.",
    ["check"],
)
MARKS = Counter("crash_embed_marks", "Accepted forms that were marked, by mark.", ["mark"])
