"""Words for what rules and deliveries hold as codes."""

from hearback_web.texts import gettext as _

from notifier.domain.recipients import WebhookFormat
from notifier.pages.rule_forms import EMAIL


def kind_labels() -> list[tuple[str, str]]:
    """Return the choices of how to send, with their words."""
    return [
        (EMAIL, _("E-mail")),
        (str(WebhookFormat.STANDARD), _("Webhook (Standard Webhooks)")),
        (str(WebhookFormat.SLACK), _("Slack")),
        (str(WebhookFormat.MATTERMOST), _("Mattermost")),
        (str(WebhookFormat.DISCORD), _("Discord")),
    ]
