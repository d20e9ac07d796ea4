"""Feature flags (per organization) and options (per project), with their defaults."""

from dataclasses import dataclass
from typing import Final

FEATURE_DEFAULTS: Final[dict[str, bool]] = {
    "organizations:user-feedback-ui": True,
    "organizations:feedback-visible": True,
    "organizations:user-feedback-ingest": True,
    "organizations:user-feedback-spam-filter-ingest": False,
    "organizations:user-feedback-spam-filter-actions": False,
}


@dataclass(frozen=True, slots=True)
class ProjectOption:
    """A project option: its name in the API, default, and what it does."""

    name: str
    default: bool | int | str | list[str] | dict[str, str] | None
    doc: str


OPTIONS: Final[dict[str, ProjectOption]] = {
    option.name: option
    for option in (
        ProjectOption("sentry:origins", ["*"], "Origins that may send from a browser; [] refuses every one."),
        ProjectOption("sentry:feedback_user_report_notifications", True, "Mail for old-style reports, too."),
        ProjectOption("sentry:feedback_ai_spam_detection", True, "Judge new feedback for spam."),
        ProjectOption("feedback:branding", True, "Show the product's name in the crash-report dialog."),
        ProjectOption("feedback:filter_garbage_messages", False, "Refuse empty and placeholder reports."),
        ProjectOption("feedback:modal_name", "required", "Name field of the dialog: required, optional, hidden."),
        ProjectOption("feedback:modal_email", "required", "E-mail field: required, optional, hidden."),
        ProjectOption("feedback:modal_accent", "", "Accent colour of the dialog as #rrggbb; empty: default."),
        ProjectOption("feedback:modal_theme", "auto", "Theme of the dialog: light, dark, auto."),
        ProjectOption("hearback:retention_days", 90, "Days that events, reports and feedback are kept."),
        ProjectOption("hearback:attachment_bytes_max", None, "Bytes of one attachment; null: the fleet's limit."),
        ProjectOption("hearback:attachments_bytes_max", None, "Bytes of all attachments of an envelope."),
        ProjectOption("hearback:attachments_count_max", None, "Attachments of one envelope."),
    )
}
