"""The five ways that lead to a feedback."""

from enum import StrEnum


class FeedbackSource(StrEnum):
    """How a feedback came to be, as stored in its evidence (protocol: feedback#sources)."""

    NEW_FEEDBACK_ENVELOPE = "new_feedback_envelope"
    USER_REPORT_DJANGO_ENDPOINT = "user_report_sentry_django_endpoint"
    USER_REPORT_ENVELOPE = "user_report_envelope"
    CRASH_REPORT_EMBED_FORM = "crash_report_embed_form"
    UPDATE_USER_REPORTS_TASK = "update_user_reports_task"

    @property
    def is_new(self) -> bool:
        """True for the feedback envelope; every other way is a user report that became a feedback."""
        return self is FeedbackSource.NEW_FEEDBACK_ENVELOPE
