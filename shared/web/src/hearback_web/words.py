"""Labels of feedback sources, delivery states and submission steps."""

from hearback_contracts.outcomes import CLIENT_REPORT_REFUSED_STEP
from hearback_contracts.sources import FeedbackSource

from hearback_web.texts import gettext as _


def source_words() -> dict[str, str]:
    """Return the label of each feedback source."""
    return {
        str(FeedbackSource.NEW_FEEDBACK_ENVELOPE): _("Feedback widget or API"),
        str(FeedbackSource.USER_REPORT_ENVELOPE): _("User report of an SDK"),
        str(FeedbackSource.USER_REPORT_DJANGO_ENDPOINT): _("User report through the API"),
        str(FeedbackSource.CRASH_REPORT_EMBED_FORM): _("Crash-report dialog"),
        str(FeedbackSource.UPDATE_USER_REPORTS_TASK): _("User report whose error came later"),
    }


def delivery_words() -> dict[str, str]:
    """Return the label of each delivery state."""
    return {
        "pending": _("Waiting"),
        "digest": _("In the next digest"),
        "sent": _("Sent"),
        "failed": _("Refused"),
        "dead": _("Given up"),
    }


def step_words(step: str) -> str:
    """Return the label of a submission step; unknown steps are returned as they are."""
    known = {
        "envelope_accepted": _("Received by the gateway"),
        "report_received": _("Received through the API"),
        "form_accepted": _("Received from the dialog"),
        "form_refused": _("Refused"),
        "refused": _("Refused"),
        "invalid": _("Refused"),
        "filtered": _("Filtered"),
        "rate_limited": _("Limited"),
        "stored": _("Stored as feedback"),
        "judged_spam": _("Judged to be spam"),
        "updated": _("Replaced the earlier words"),
        "revision_refused": _("The later words were refused"),
        "deleted": _("Deleted"),
        "attachments_removed": _("Its files were deleted"),
        "deleted_apart": _("What had been sent under its id was deleted"),
        "deleted_before": _("Sent again after it was deleted"),
        "marked_spam": _("Marked as spam"),
        "marked_not_spam": _("Marked as not spam"),
        "waiting_for_event": _("Stored; waits for its error event"),
        "linked": _("Linked to its error event"),
        "no_event": _("Stored for itself: it names no error event"),
        "expired": _("Given up: its error event never arrived"),
        "duplicate_refused": _("Other words under its id were refused"),
        "continued_apart": _("Goes on as a submission of its own"),
        "sent_under_another_id": _("Sent under the id of another submission"),
        "dead_letter": _("Could not be handled; kept as a dead letter"),
        "accepted_by_member": _("Accepted by a member"),
        "reprocessed": _("Processed again, by the rules of then"),
        "notified": _("People were notified"),
        "notification_skipped": _("No notification"),
        CLIENT_REPORT_REFUSED_STEP: _("The client report, or part of it, does not count"),
    }
    return known.get(step) or step.replace("_", " ")
