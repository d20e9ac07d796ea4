"""Decide who is notified of a created feedback (protocol: notifications#rules-for-a-created-feedback)."""

from enum import StrEnum
from typing import Self

from hearback_contracts.sources import FeedbackSource


class Verdict(StrEnum):
    """The decision: notified, skipped, or held until a person marks it as not spam."""

    NOTIFIED = "notified"
    SKIPPED = "skipped"
    HELD = "held"


class Rule(StrEnum):
    """The rule that decided, as recorded in the fate of a submission, with its verdict."""

    verdict: Verdict
    step: str
    """The step's name in the fate."""

    NOTIFIED = "notified", Verdict.NOTIFIED
    SPAM = "spam_filter_actions", Verdict.HELD
    REPORT_NOTIFICATIONS_OFF = "feedback_user_report_notifications", Verdict.SKIPPED
    NO_RECIPIENTS = "no_recipients", Verdict.SKIPPED
    NOT_SPAM = "not_spam", Verdict.NOTIFIED

    def __new__(cls, name: str, verdict: Verdict) -> Self:
        rule = str.__new__(cls, name)
        rule._value_, rule.verdict = name, verdict
        rule.step = "notified" if verdict is Verdict.NOTIFIED else "notification_skipped"
        return rule


def decide(
    source: FeedbackSource, is_spam: bool | None, *, has_spam_actions: bool, has_report_notifications: bool
) -> Rule:
    """Return the rule for a created feedback; without a spam verdict (None) it is not spam."""
    if is_spam and has_spam_actions:
        return Rule.SPAM
    if not source.is_new and not has_report_notifications:
        return Rule.REPORT_NOTIFICATIONS_OFF
    return Rule.NOTIFIED
