"""Who is notified: members with alerts on, and the addresses and webhooks of a project's rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Final

from notifier.domain.feedback import Feedback

# Limits of a notification rule.
NAME_LENGTH_MAX: Final = 100
TARGET_LENGTH_MIN: Final = 3
TARGET_LENGTH_MAX: Final = 2_000
ENVIRONMENTS_MAX: Final = 50
ENVIRONMENT_LENGTH_MAX: Final = 64
CONTAINS_LENGTH_MAX: Final = 200
DIGEST_MINUTES_MAX: Final = 1_440


class Channel(StrEnum):
    """The channel of a destination."""

    EMAIL = "email"
    WEBHOOK = "webhook"


class WebhookFormat(StrEnum):
    """The format of a webhook's body."""

    STANDARD = "standard"
    SLACK = "slack"
    MATTERMOST = "mattermost"
    DISCORD = "discord"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member who may be mailed. `unsubscribe_url` accepts a one-click POST (RFC 8058)."""

    user_id: int
    email: str
    name: str | None = None
    language: str | None = None
    has_alerts: bool = True
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """A project's rule. Empty `sources` and `environments` match all; `digest_minutes` 0 sends at once."""

    id: int
    organization_id: int
    project_id: int
    name: str
    is_enabled: bool
    sources: tuple[str, ...]
    environments: tuple[str, ...]
    contains: str | None
    channel: Channel
    target: str
    format: WebhookFormat
    secret: str
    digest_minutes: int
    created_at: datetime

    def matches(self, feedback: Feedback) -> bool:
        """Return whether the rule is enabled and matches."""
        if not self.is_enabled:
            return False
        if self.sources and feedback.source not in self.sources:
            return False
        if self.environments and (feedback.environment or "") not in self.environments:
            return False
        return not self.contains or self.contains.casefold() in feedback.message.casefold()


@dataclass(frozen=True)
class Destination:
    """The destination of a notice; each notice goes to a `key` once."""

    channel: Channel
    target: str
    rule_id: int | None = None
    label: str = "member"
    language: str | None = None
    unsubscribe_url: str | None = None
    digest_minutes: int = 0

    @cached_property  # each notice asks for it
    def key(self) -> str:
        """Return `email:<address>` or `webhook:<rule>`."""
        if self.channel is Channel.EMAIL:
            return f"email:{self.target.casefold()}"
        return f"webhook:{self.rule_id}"


class Audience:
    """The possible recipients of a project: members with alerts on, and enabled rules."""

    def __init__(self, members: Iterable[Recipient], rules: Iterable[NotificationRule]) -> None:
        found = [member_destination(member) for member in members if member.has_alerts]
        self._members = list({destination.key: destination for destination in reversed(found)}.values())[::-1]
        # Of rules for one address the one that sends soonest counts: a digest delays nothing that another sends.
        self._rules = sorted((rule for rule in rules if rule.is_enabled), key=lambda rule: rule.digest_minutes)

    def destinations(self, feedback: Feedback) -> Sequence[Destination]:
        """Return the unique destinations of a feedback's notice, members before rules."""
        if not self._rules:
            return self._members
        found = {destination.key: destination for destination in self._members}
        for rule in self._rules:
            if rule.matches(feedback):
                destination = rule_destination(rule)
                found.setdefault(destination.key, destination)
        return list(found.values())


def member_destination(member: Recipient) -> Destination:
    """Return the destination of a member's mail."""
    return Destination(
        Channel.EMAIL, member.email, language=member.language, unsubscribe_url=member.unsubscribe_url
    )


def rule_destination(rule: NotificationRule) -> Destination:
    """Return the destination of a rule."""
    return Destination(rule.channel, rule.target, rule.id, rule.name, digest_minutes=rule.digest_minutes)
