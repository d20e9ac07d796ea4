"""The form of a notification rule, with validation errors by field."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from hearback_contracts.sources import FeedbackSource
from hearback_web import Form
from hearback_web.texts import gettext as _

from notifier.domain.recipients import (
    CONTAINS_LENGTH_MAX,
    DIGEST_MINUTES_MAX,
    ENVIRONMENT_LENGTH_MAX,
    ENVIRONMENTS_MAX,
    NAME_LENGTH_MAX,
    TARGET_LENGTH_MAX,
    TARGET_LENGTH_MIN,
    Channel,
    NotificationRule,
    WebhookFormat,
)

# One choice for people: e-mail, or the kind of a webhook.
EMAIL: Final = "email"
_FIELD_LENGTH_MAX: Final = 10_000  # of a field before it is judged


@dataclass(frozen=True, slots=True)
class RuleForm:
    """The fields of the form, and `errors` by field; without errors `values` are a rule's columns."""

    name: str = ""
    enabled: bool = True
    kind: str = EMAIL
    target: str = ""
    sources: tuple[str, ...] = ()
    environments: str = ""
    contains: str = ""
    digest_minutes: str = "0"
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> Mapping[str, Any]:
        """Return a rule's columns."""
        return {
            "name": self.name,
            "is_enabled": self.enabled,
            "sources": list(self.sources),
            "environments": _lines(self.environments),
            "contains": self.contains or None,
            "channel": str(Channel.EMAIL if self.kind == EMAIL else Channel.WEBHOOK),
            "target": self.target,
            "format": str(WebhookFormat.STANDARD) if self.kind == EMAIL else self.kind,
            "digest_minutes": int(self.digest_minutes),
        }


def kind_labels() -> list[tuple[str, str]]:
    """Return the values that a field offers, with their translated labels."""
    return [
        (EMAIL, _("E-mail")),
        (str(WebhookFormat.STANDARD), _("Webhook (Standard Webhooks)")),
        (str(WebhookFormat.SLACK), _("Slack")),
        (str(WebhookFormat.MATTERMOST), _("Mattermost")),
        (str(WebhookFormat.DISCORD), _("Discord")),
    ]


def form_of(rule: NotificationRule) -> RuleForm:
    """Return the form of a stored rule."""
    return RuleForm(
        name=rule.name,
        enabled=rule.is_enabled,
        kind=EMAIL if rule.channel is Channel.EMAIL else str(rule.format),
        target=rule.target,
        sources=rule.sources,
        environments="\n".join(rule.environments),
        contains=rule.contains or "",
        digest_minutes=str(rule.digest_minutes),
    )


def read_rule(form: Form) -> RuleForm:
    """Read and validate a submitted form."""
    known = {str(source) for source in FeedbackSource}
    return _checked(
        RuleForm(
            name=form.text("name", length_max=_FIELD_LENGTH_MAX),
            enabled=form.is_on("enabled"),
            kind=form.text("kind", default=EMAIL),
            target=form.text("target", length_max=_FIELD_LENGTH_MAX),
            sources=tuple(dict.fromkeys(source for source in form.getlist("source") if source in known)),
            environments=form.text("environments", length_max=_FIELD_LENGTH_MAX),
            contains=form.text("contains", length_max=_FIELD_LENGTH_MAX),
            digest_minutes=form.text("digest_minutes", default="0") or "0",
        )
    )


def fields_of(form: RuleForm) -> dict[str, Any]:
    """Return what two people may change independently: the fields, with each source as one of its own."""
    fields = asdict(form)
    del fields["sources"], fields["errors"]
    return fields | {str(source): str(source) in form.sources for source in FeedbackSource}


def with_fields(fields: Mapping[str, Any]) -> RuleForm:
    """Return the validated form of `fields_of`."""
    names = {str(source) for source in FeedbackSource}
    sources = tuple(str(source) for source in FeedbackSource if fields[str(source)])
    values = {name: value for name, value in fields.items() if name not in names}
    return _checked(RuleForm(**values, sources=sources))


def _checked(form: RuleForm) -> RuleForm:
    return replace(form, errors=_errors(form))


def _errors(form: RuleForm) -> dict[str, str]:
    errors = {}
    if not form.name:
        errors["name"] = _("Give the rule a name.")
    elif len(form.name) > NAME_LENGTH_MAX:
        errors["name"] = _("At most {} characters.").format(NAME_LENGTH_MAX)
    if form.kind != EMAIL and form.kind not in {str(kind) for kind in WebhookFormat}:
        errors["kind"] = _("Choose one of the list.")
    if not TARGET_LENGTH_MIN <= len(form.target) <= TARGET_LENGTH_MAX:
        errors["target"] = _("Give an e-mail address, or the URL of a webhook.")
    environments = _lines(form.environments)
    if len(environments) > ENVIRONMENTS_MAX or any(len(one) > ENVIRONMENT_LENGTH_MAX for one in environments):
        text = _("At most {} environments, each of at most {} characters.")
        errors["environments"] = text.format(ENVIRONMENTS_MAX, ENVIRONMENT_LENGTH_MAX)
    if len(form.contains) > CONTAINS_LENGTH_MAX:
        errors["contains"] = _("At most {} characters.").format(CONTAINS_LENGTH_MAX)
    minutes = form.digest_minutes
    if not (minutes.isascii() and minutes.isdigit() and int(minutes) <= DIGEST_MINUTES_MAX):
        errors["digest_minutes"] = _("Give a number of minutes from 0 to {}.").format(DIGEST_MINUTES_MAX)
    return errors


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
