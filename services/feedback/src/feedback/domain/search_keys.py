"""The keys of searches: what each is about, and its other names.

A key that is not here is the name of a tag or of a context's field. Case does not matter.
"""

from typing import Final

# The values of an event, by the key that finds them: contexts and their fields, as SDKs name them.
CONTEXT_FIELDS: Final = {
    "os": ("name", "version", "build", "kernel_version", "distribution_name", "distribution_version", "rooted"),
    "browser": ("name", "version"),
    "device": (
        *("family", "brand", "manufacturer", "model", "model_id", "name", "arch", "class", "locale", "uuid"),
        *("orientation", "screen_density", "screen_dpi", "screen_height_pixels", "screen_width_pixels"),
        *("simulator", "online", "charging", "battery_level"),
    ),
    "app": ("app_identifier", "app_name", "app_version", "app_build", "in_foreground", "device_app_hash"),
    "runtime": ("name", "version"),
    "gpu": ("name", "vendor_name", "version"),
    "culture": ("locale", "timezone", "calendar"),
}
FACET_KEYS: Final = frozenset(
    {
        *(f"{context}.{name}" for context, names in CONTEXT_FIELDS.items() for name in names),
        *("environment", "release", "dist", "platform", "level", "source", "url", "name", "contact_email"),
        *("sdk.name", "sdk.version", "transaction", "trace", "span", "replay_id", "has_linked_error"),
        *("user.id", "user.username", "user.email", "user.ip"),
        *("geo.city", "geo.country_code", "geo.region", "geo.subdivision"),
        *("http.method", "http.referer", "locale.lang", "locale.timezone"),
        *("is_spam", "spam_detection_enabled", "spam_sign", "mark"),
    }
)
TIME_KEYS: Final = frozenset({"timestamp", "firstseen", "lastseen", "received", "error_occurred_at"})
AGE_KEYS: Final = frozenset({"age", "event.age"})
NUMBER_KEYS: Final = frozenset({"timesseen", "usercount", "numcomments", "initial_priority", "issuetypeid"})
TEXT_KEYS: Final = frozenset({"message", "title"})
CATEGORY_KEYS: Final = frozenset({"issue.category", "issue.type"})
FLAG_KEYS: Final = frozenset(
    {"hasseen", "has_attachments", "isbookmarked", "issubscribed", "ispublic", "isunhandled"}
)
PROJECT_KEYS: Final = frozenset({"project", "project.id", "project.name"})
OTHER_KEYS: Final = frozenset(
    {
        *("is", "has", "status", "substatus", "id", "issue", "issue.id", "associated_event_id", "assigned"),
        *("user", "issue.priority", "type", "culprit", "logger", "permalink"),
    }
)
# Read from plain columns: no inverted index knows them.
UNINDEXED_KEYS: Final = frozenset(
    {
        *("is", "status", "substatus", "assigned", "issue.priority", "type", "culprit", "logger"),
        *(TIME_KEYS | NUMBER_KEYS | FLAG_KEYS | PROJECT_KEYS),
    }
)
KEYS: Final = frozenset().union(
    FACET_KEYS, TIME_KEYS, AGE_KEYS, NUMBER_KEYS, TEXT_KEYS, CATEGORY_KEYS, FLAG_KEYS, PROJECT_KEYS, OTHER_KEYS
)
# The keys that are suggested first, in this order.
NAMED_KEYS: Final = (
    *(
        "is",
        "assigned",
        "user.email",
        "url",
        "environment",
        "release",
        "has",
        "source",
        "message",
        "age",
        "project",
    ),
    *("has_attachments", "has_linked_error", "hasseen", "issue.priority", "user.id", "user.username", "name"),
    *("browser.name", "os.name", "device.family", "platform", "level", "dist", "sdk.name", "locale.lang"),
    *(
        "firstseen",
        "received",
        "transaction",
        "trace",
        "replay_id",
        "associated_event_id",
        "is_spam",
        "issue",
        "id",
    ),
)
ALIASES: Final = {
    "associatedeventid": "associated_event_id",
    "linked_event_id": "associated_event_id",
    "event_id": "id",
    "event.id": "id",
    "eventid": "id",
    "issue_id": "issue.id",
    "issueid": "issue.id",
    "groupid": "issue.id",
    "group.id": "issue.id",
    "short_id": "issue",
    "shortid": "issue",
    "haslinkederror": "has_linked_error",
    "email": "user.email",
    "contactemail": "contact_email",
    "user.name": "name",
    "user.ip_address": "user.ip",
    "os_name": "os.name",
    "category": "issue.category",
    "issuecategory": "issue.category",
    "issuetype": "issue.type",
    "event.type": "type",
    "assigned_to": "assigned",
    "assignedto": "assigned",
    "assigned_or_suggested": "assigned",
    "owner": "assigned",
    "first_seen": "firstseen",
    "last_seen": "lastseen",
    "date": "timestamp",
    "event.timestamp": "timestamp",
    "datecreated": "timestamp",
    "datereceived": "received",
    "erroroccurredat": "error_occurred_at",
    "environments": "environment",
    "firstrelease": "release",
    "first_release": "release",
    "first-release": "release",
    "lastrelease": "release",
    "platform.name": "platform",
    "projectid": "project.id",
    "project_id": "project.id",
    "projectslug": "project",
    "project.slug": "project",
    "priority": "issue.priority",
    "times_seen": "timesseen",
    "count": "timesseen",
    "user_count": "usercount",
    "value": "message",
    "summary": "title",
    "feedback.source": "source",
    "http.url": "url",
    "request.url": "url",
    "geo.country": "geo.country_code",
    "trace_id": "trace",
    "trace.trace_id": "trace",
    "span_id": "span",
    "trace.span_id": "span",
    "trace.span": "span",
    "replay.id": "replay_id",
    "replayid": "replay_id",
    "replay.replay_id": "replay_id",
    "spam": "is_spam",
    "spam_signs": "spam_sign",
    "marks": "mark",
    "latesteventhasattachments": "has_attachments",
    "attachments": "has_attachments",
}
_PREFIXES: Final = ("metadata.", "contexts.feedback.", "contexts.", "evidence.", "evidencedata.")


def canonical(name: str) -> str:
    """Return the key that a name means, in lower case; an unknown one unchanged."""
    key = name.lower()
    for prefix in _PREFIXES:
        rest = key.removeprefix(prefix)
        if rest != key and (rest in KEYS or rest in ALIASES):
            key = rest
            break
    return ALIASES.get(key, key)
