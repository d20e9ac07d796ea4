"""Who is notified: members with alerts on, and rules that match, each destination once."""

import pytest
from notifier.domain.recipients import Channel, NotificationRule, Recipient, WebhookFormat, destinations

from ..conftest import feedback


def rule(**values: object) -> NotificationRule:
    defaults: dict[str, object] = {
        "id": 1, "organization_id": 1, "project_id": 1, "name": "all", "is_enabled": True, "sources": (),
        "environments": (), "contains": None, "channel": Channel.EMAIL, "target": "team@example.com",
        "format": WebhookFormat.STANDARD, "secret": "whsec_eA==", "digest_minutes": 0,
    }  # fmt: skip
    return NotificationRule(**{**defaults, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "matches"),
    [
        ({}, True),
        ({"is_enabled": False}, False),
        ({"sources": ("new_feedback_envelope",)}, True),
        ({"sources": ("crash_report_embed_form",)}, False),
        ({"environments": ("prod",)}, True),
        ({"environments": ("staging",)}, False),
        ({"contains": "EXPORT"}, True),
        ({"contains": "import"}, False),
        ({"sources": ("new_feedback_envelope",), "environments": ("prod",), "contains": "fails"}, True),
        ({"sources": ("new_feedback_envelope",), "environments": ("dev",), "contains": "fails"}, False),
    ],
)
def test_a_rule_matches_when_everything_it_asks_for_holds(values: dict[str, object], matches: bool) -> None:
    assert rule(**values).matches(feedback(environment="prod")) is matches


def test_each_destination_gets_a_notice_once() -> None:
    members = [Recipient(1, "Team@example.com"), Recipient(2, "off@example.com", has_alerts=False)]
    rules = [
        rule(),
        rule(id=2, channel=Channel.WEBHOOK, target="https://a"),
        rule(id=3, target="other@example.com"),
    ]
    found = destinations(feedback(), members, rules)
    assert [destination.key for destination in found] == [
        "email:team@example.com",
        "webhook:2",
        "email:other@example.com",
    ]
    assert found[0].label == "member"
