"""Translated labels of the codes in rules and deliveries."""

from hearback_web.texts import gettext as _

from notifier.domain.recipients import WebhookFormat
from notifier.pages.rule_forms import EMAIL


def kind_labels() -> list[tuple[str, str]]:
    """Return the channel choices with their labels."""
    return [
        (EMAIL, _("E-mail")),
        (str(WebhookFormat.STANDARD), _("Webhook (Standard Webhooks)")),
        (str(WebhookFormat.SLACK), _("Slack")),
        (str(WebhookFormat.MATTERMOST), _("Mattermost")),
        (str(WebhookFormat.DISCORD), _("Discord")),
    ]
