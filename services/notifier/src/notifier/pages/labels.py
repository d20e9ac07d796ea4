"""Words for what rules and deliveries hold as codes."""

from hearback_contracts.sources import FeedbackSource
from hearback_web.texts import gettext as _

from notifier.domain.recipients import WebhookFormat
from notifier.pages.rule_forms import EMAIL
from notifier.store.deliveries import DEAD, DIGEST, FAILED, PENDING, SENT


def state_labels() -> dict[str, str]:
    """Return the words for where a delivery stands."""
    return {
        PENDING: _("Waiting"),
        DIGEST: _("In the next digest"),
        SENT: _("Sent"),
        FAILED: _("Refused"),
        DEAD: _("Given up"),
    }


def source_labels() -> dict[str, str]:
    """Return the words for how a feedback came to be."""
    return {
        str(FeedbackSource.NEW_FEEDBACK_ENVELOPE): _("Feedback widget or API"),
        str(FeedbackSource.USER_REPORT_ENVELOPE): _("User report of an SDK"),
        str(FeedbackSource.USER_REPORT_DJANGO_ENDPOINT): _("User report through the API"),
        str(FeedbackSource.CRASH_REPORT_EMBED_FORM): _("Crash-report dialog"),
        str(FeedbackSource.UPDATE_USER_REPORTS_TASK): _("User report whose error came later"),
    }


def kind_labels() -> list[tuple[str, str]]:
    """Return the choices of how to send, with their words."""
    return [
        (EMAIL, _("E-mail")),
        (str(WebhookFormat.STANDARD), _("Webhook (Standard Webhooks)")),
        (str(WebhookFormat.SLACK), _("Slack")),
        (str(WebhookFormat.MATTERMOST), _("Mattermost")),
        (str(WebhookFormat.DISCORD), _("Discord")),
    ]
