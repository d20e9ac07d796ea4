"""Who is notified: members with alerts on, and rules that match, each destination once."""

from unittest.mock import AsyncMock

import orjson
import pytest
from hearback_contracts.config import ProjectConfig
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import eventually
from hearback_fleet.configuration import Configuration
from notifier.clients.recipients import RecipientDirectory
from notifier.domain.notice import Notice, Sender, of_feedback
from notifier.domain.recipients import Audience, Channel, Destination, NotificationRule, Recipient, WebhookFormat
from notifier.store.batches import NewNotices
from redis.asyncio import Redis

from ..conftest import NOW, read

PROJECT = ProjectConfig(id=1, slug="web", name="web", organization_id=1, organization_slug="demo")
SENDER = Sender(PROJECT, "https://feedback.example.com")


def rule(**values: object) -> NotificationRule:
    defaults: dict[str, object] = {
        "id": 1, "organization_id": 1, "project_id": 1, "name": "all", "is_enabled": True, "sources": (),
        "environments": (), "contains": None, "channel": Channel.EMAIL, "target": "team@example.com",
        "format": WebhookFormat.STANDARD, "secret": "whsec_eA==", "digest_minutes": 0,
        "created_at": NOW,
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
    assert rule(**values).matches(read(environment="prod")) is matches


def test_each_destination_gets_a_notice_once() -> None:
    members = [Recipient(1, "Team@example.com"), Recipient(2, "off@example.com", has_alerts=False)]
    rules = [
        rule(),
        rule(id=2, channel=Channel.WEBHOOK, target="https://a"),
        rule(id=3, target="other@example.com"),
    ]
    found = Audience(members, rules).destinations(read())
    assert [destination.key for destination in found] == [
        "email:team@example.com",
        "webhook:2",
        "email:other@example.com",
    ]
    assert found[0].label == "member"


@pytest.mark.parametrize(
    ("minutes", "chosen"), [((60, 0), 2), ((0, 60), 1), ((60, 15), 2), ((30, 30), 1)], ids=str
)
def test_of_rules_for_one_address_the_soonest_counts(minutes: tuple[int, int], chosen: int) -> None:
    rules = [rule(id=1, digest_minutes=minutes[0]), rule(id=2, digest_minutes=minutes[1])]
    (found,) = Audience([], rules).destinations(read())
    assert (found.rule_id, found.digest_minutes) == (chosen, min(minutes))
    later = [rules[0], rule(id=2, digest_minutes=minutes[1], contains="import")]  # it does not match
    assert [one.rule_id for one in Audience([], later).destinations(read())] == [1]


async def test_recipients_are_asked_for_again_when_something_is_published(
    configuration: Configuration, redis: Redis
) -> None:
    registry = AsyncMock()
    registry.get_json.return_value = [{"user_id": 1, "email": "ada@example.com"}]
    directory = RecipientDirectory(registry, configuration, seconds=60)

    async def asks() -> bool:
        asked = registry.get_json.await_count
        project = await configuration.project(1)
        assert project is not None
        assert [one.email for one in await directory.members(project)] == ["ada@example.com"]
        return bool(registry.get_json.await_count > asked)

    async def asks_not() -> bool:
        return not await asks()

    assert await asks()
    await eventually(asks_not)
    await publish_project(redis)
    await eventually(asks)
    await eventually(asks_not)


def test_what_webhooks_get_is_not_kept_for_mails() -> None:
    created = read()
    notice = of_feedback(created, SENDER)
    found = [Destination(Channel.EMAIL, "ada@example.com"), Destination(Channel.WEBHOOK, "https://x.example", 1)]
    new = NewNotices(NOW)
    new.add(PROJECT, notice, found)
    *_, notices, _, _, _ = new.values()
    mailed, called = (Notice.from_json(orjson.loads(text)) for text in notices)
    assert (mailed.data, called.data["event_id"]) == ({}, created.event_id)
    assert mailed == of_feedback(created, SENDER, has_data=False)
