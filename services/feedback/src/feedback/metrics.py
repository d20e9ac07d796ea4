"""Every metric of this service."""

from prometheus_client import Counter, Gauge

SUBMISSIONS = Counter(
    "feedback_submissions",
    "Submissions decided, by what became of them: stored, updated, repeated, or the reason of refusal.",
    ["result"],
)
JUDGE_FAILURES = Counter("feedback_spam_judge_failures", "Feedback stored without a verdict as the judge failed.")
SECOND_OPINIONS = Counter(
    "feedback_spam_second_opinions",
    "Questions to the HTTP judge: spam, not_spam, unknown, failed, too_late, or no_room for them.",
    ["result"],
)
DELETED = Counter("feedback_deleted", "Feedback deleted, by whom: person or retention.", ["by"])
ATTACHMENTS = Counter(
    "feedback_attachments",
    "Attachments by what happened: recorded, expired, event_never_arrived, bytes_deleted.",
    ["result"],
)
LIVE_PAGES = Gauge("feedback_live_pages", "Pages that are open and shown what happens.")
