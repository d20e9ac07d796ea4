"""Options: per project, with their defaults."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Option(StrEnum):
    """A project option, by its name in the API."""

    ORIGINS = "sentry:origins"
    USER_REPORT_NOTIFICATIONS = "sentry:feedback_user_report_notifications"
    MAIL_REPLY_TO = "hearback:mail_reply_to"
    SPAM_DETECTION = "sentry:feedback_ai_spam_detection"
    BRANDING = "feedback:branding"
    FILTER_GARBAGE_MESSAGES = "feedback:filter_garbage_messages"
    DIALOG_NAME = "feedback:modal_name"
    DIALOG_EMAIL = "feedback:modal_email"
    DIALOG_ACCENT = "feedback:modal_accent"
    DIALOG_THEME = "feedback:modal_theme"
    RETENTION_DAYS = "hearback:retention_days"
    ATTACHMENT_BYTES_MAX = "hearback:attachment_bytes_max"
    ATTACHMENTS_BYTES_MAX = "hearback:attachments_bytes_max"
    ATTACHMENTS_COUNT_MAX = "hearback:attachments_count_max"


@dataclass(frozen=True, slots=True)
class ProjectOption:
    """The default of an option, and what it does."""

    name: Option
    default: bool | int | str | list[str] | dict[str, str] | None
    doc: str


# The keys are plain strings, since JSON encoders refuse others.
OPTIONS: Final[dict[str, ProjectOption]] = {
    option.name.value: option
    for option in (
        ProjectOption(Option.ORIGINS, ["*"], "Origins that may send from a browser; [] refuses every one."),
        ProjectOption(Option.USER_REPORT_NOTIFICATIONS, True, "Mail for old-style reports, too."),
        ProjectOption(
            Option.MAIL_REPLY_TO, True, "Replies to a mail go to the person whose feedback it is about."
        ),
        ProjectOption(Option.SPAM_DETECTION, True, "Judge new feedback for spam."),
        ProjectOption(Option.BRANDING, True, "Show the product's name in the crash-report dialog."),
        ProjectOption(Option.FILTER_GARBAGE_MESSAGES, False, "Refuse empty and placeholder reports."),
        ProjectOption(Option.DIALOG_NAME, "required", "Name field of the dialog: required, optional, hidden."),
        ProjectOption(Option.DIALOG_EMAIL, "required", "E-mail field: required, optional, hidden."),
        ProjectOption(Option.DIALOG_ACCENT, "", "Accent colour of the dialog as #rrggbb; empty: default."),
        ProjectOption(Option.DIALOG_THEME, "auto", "Theme of the dialog: light, dark, auto."),
        ProjectOption(Option.RETENTION_DAYS, 90, "Days that events, reports and feedback are kept."),
        ProjectOption(Option.ATTACHMENT_BYTES_MAX, None, "Bytes of one attachment; null: the fleet's limit."),
        ProjectOption(Option.ATTACHMENTS_BYTES_MAX, None, "Bytes of all attachments of an envelope."),
        ProjectOption(Option.ATTACHMENTS_COUNT_MAX, None, "Attachments of one envelope."),
    )
}
