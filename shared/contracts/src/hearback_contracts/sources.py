"""The creation sources of feedback."""

from enum import StrEnum


class FeedbackSource(StrEnum):
    """The creation source of a feedback, as stored in its evidence (protocol: feedback#sources)."""

    NEW_FEEDBACK_ENVELOPE = "new_feedback_envelope"
    USER_REPORT_DJANGO_ENDPOINT = "user_report_sentry_django_endpoint"
    USER_REPORT_ENVELOPE = "user_report_envelope"
    CRASH_REPORT_EMBED_FORM = "crash_report_embed_form"
    UPDATE_USER_REPORTS_TASK = "update_user_reports_task"

    @property
    def is_new(self) -> bool:
        """Whether it is a feedback envelope; all other sources are user reports."""
        return self is FeedbackSource.NEW_FEEDBACK_ENVELOPE
