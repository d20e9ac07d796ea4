"""The rules as a table: source x spam x flag x option."""

import pytest
from hearback_contracts.sources import FeedbackSource
from notifier.domain.decision import Rule, Verdict, decide

OLD = [source for source in FeedbackSource if not source.is_new]
NEW = FeedbackSource.NEW_FEEDBACK_ENVELOPE


@pytest.mark.parametrize("source", list(FeedbackSource))
@pytest.mark.parametrize("is_spam", [True, False, None])
@pytest.mark.parametrize("has_spam_actions", [True, False])
@pytest.mark.parametrize("has_report_notifications", [True, False])
def test_every_combination(
    source: FeedbackSource, is_spam: bool | None, has_spam_actions: bool, has_report_notifications: bool
) -> None:
    rule = decide(
        source=source,
        is_spam=is_spam,
        has_spam_actions=has_spam_actions,
        has_report_notifications=has_report_notifications,
    )
    if is_spam is True and has_spam_actions:
        assert (rule.verdict, rule) == (Verdict.HELD, Rule.SPAM)
    elif source in OLD and not has_report_notifications:
        assert (rule.verdict, rule) == (Verdict.SKIPPED, Rule.REPORT_NOTIFICATIONS_OFF)
    else:
        assert (rule.verdict, rule) == (Verdict.NOTIFIED, Rule.NOTIFIED)
    assert rule.step == ("notified" if rule.verdict is Verdict.NOTIFIED else "notification_skipped")


def test_there_are_five_sources_and_one_is_new() -> None:
    assert len(OLD) == 4
    assert NEW.is_new
