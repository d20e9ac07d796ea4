"""Decisions on created feedback: every rule, twice, out of order, and what the fate says."""

import itertools
import random
from dataclasses import replace
from typing import Any, Final
from unittest.mock import AsyncMock, MagicMock

import pytest
from hearback_contracts.flags import Feature
from hearback_contracts.notices import FeedbackChanged, FeedbackContent, FeedbackCreated, FeedbackCreatedTogether
from hearback_contracts.options import Option
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_CHANGED, FEEDBACK_CREATED
from hearback_devkit.fleet import as_incoming, publish_project
from hearback_devkit.testing import eventually
from hearback_fleet.messages import outgoing
from hearback_kit.bus import Incoming
from hearback_kit.errors import Unavailable
from hearback_kit.values.ids import new_id
from notifier.consumers.feedback_changed import handle_feedback_changed
from notifier.consumers.feedback_created import handle_feedback_created
from notifier.domain.feedback import Changed, Created, CreatedTogether, Feedback
from notifier.store.notification_rules import insert_rule
from notifier.store.tables import DECISIONS, OUTBOX
from sqlalchemy import select

from ..conftest import ADA, BOB, NOW, Notifier, created, feedback

OLD = FeedbackSource.USER_REPORT_ENVELOPE
NEW = FeedbackSource.NEW_FEEDBACK_ENVELOPE
RULE: Final = {
    "organization_id": 1, "project_id": 1, "name": "team", "is_enabled": True, "sources": [], "environments": [],
    "contains": None, "channel": "email", "target": "team@example.com", "format": "standard", "secret": "",
    "digest_minutes": 0,
}  # fmt: skip


def incoming(stream: Any, message: Any) -> Incoming:
    return as_incoming(outgoing(stream, message, 4), new_id())


def changed(content: FeedbackContent, before: str, after: str) -> FeedbackChanged:
    return FeedbackChanged(
        id=new_id(), occurred_at=NOW, project_id=1, feedback=content, previous_status=before, status=after
    )


async def take(notifier: Notifier, *contents: FeedbackContent, project_id: int = 1) -> None:
    messages = [incoming(FEEDBACK_CREATED, created(content, project_id)) for content in contents]
    await handle_feedback_created(notifier.context, messages)


async def change(notifier: Notifier, content: FeedbackContent, before: str, after: str) -> None:
    await handle_feedback_changed(notifier.context, [incoming(FEEDBACK_CHANGED, changed(content, before, after))])


async def configure(notifier: Notifier, **values: Any) -> None:
    project = await publish_project(notifier.redis, members=(ADA, BOB), **values)

    async def is_seen() -> bool:
        found = await notifier.context.configuration.project(1)
        return found is not None and (found.features, found.options) == (project.features, project.options)

    await eventually(is_seen)


@pytest.mark.parametrize(("actions", "notifications"), list(itertools.product([True, False], repeat=2)))
async def test_each_rule_by_source_and_spam(notifier: Notifier, actions: bool, notifications: bool) -> None:
    await configure(
        notifier,
        features={Feature.SPAM_FILTER_ACTIONS: actions},
        options={Option.USER_REPORT_NOTIFICATIONS: notifications},
    )
    cases = {
        (source, is_spam): feedback(source=source, is_spam=is_spam)
        for source in FeedbackSource
        for is_spam in (True, False, None)
    }
    await take(notifier, *cases.values())
    steps = {submission: (step, reason) for submission, step, reason in await notifier.steps()}
    mailed = {delivery.notice.subject_id for delivery in await notifier.deliveries()}
    for (source, is_spam), content in cases.items():
        if is_spam and actions:
            expected = ("notification_skipped", "spam_filter_actions")
        elif not source.is_new and not notifications:
            expected = ("notification_skipped", "feedback_user_report_notifications")
        else:
            expected = ("notified", "notified")
        assert steps[content.submission_id] == expected, (source, is_spam)
        assert (content.event_id in mailed) is (expected[0] == "notified")


async def test_a_message_that_comes_again_decides_and_mails_nothing_more(notifier: Notifier) -> None:
    contents = [feedback() for _ in range(5)]
    order = contents * 3
    random.Random(7).shuffle(order)
    await take(notifier, *order)
    notifier.clock.move(seconds=60)
    await take(notifier, *contents)
    assert len(await notifier.deliveries()) == 10
    assert len(await notifier.steps()) == 5


async def test_members_are_mailed_each_once(notifier: Notifier) -> None:
    await take(notifier, feedback())
    assert [delivery.target for delivery in await notifier.deliveries()] == [ADA.email, BOB.email]


async def test_a_project_that_is_gone_loses_nothing_else(notifier: Notifier) -> None:
    await take(notifier, feedback(), project_id=404)
    kept = feedback()
    await take(notifier, kept)
    assert {delivery.notice.subject_id for delivery in await notifier.deliveries()} == {kept.event_id}


async def test_without_recipients_the_fate_says_so(notifier: Notifier) -> None:
    await publish_project(notifier.redis, project_id=5, organization_id=5)
    content = feedback(organization_id=5)
    await take(notifier, content, project_id=5)
    assert await notifier.steps() == [(content.submission_id, "notification_skipped", "no_recipients")]


async def test_only_what_is_held_is_kept_of_what_no_person_is_notified_of(notifier: Notifier) -> None:
    await configure(
        notifier,
        features={Feature.SPAM_FILTER_ACTIONS: True},
        options={Option.USER_REPORT_NOTIFICATIONS: False},
    )
    held = feedback(is_spam=True)
    await take(notifier, held, feedback(source=OLD), feedback(source=OLD, is_spam=False))
    async with notifier.database.connection() as connection:
        kept = (await connection.execute(select(DECISIONS.c.event_id, DECISIONS.c.verdict))).all()
        assert [*kept, *await connection.execute(select(OUTBOX))] == [(held.event_id, "held")]
    assert len(await notifier.steps()) == 3


async def test_steps_that_could_not_be_published_come_with_the_message_again(notifier: Notifier) -> None:
    bus = MagicMock(publish=AsyncMock(side_effect=Unavailable("away")))
    content = feedback()
    message = incoming(FEEDBACK_CREATED, created(content))
    with pytest.raises(Unavailable):
        await handle_feedback_created(replace(notifier.context, bus=bus), [message])
    assert (len(await notifier.deliveries()), await notifier.steps()) == (2, [])
    await handle_feedback_created(notifier.context, [message])
    assert len(await notifier.deliveries()) == 2
    assert await notifier.steps() == [(content.submission_id, "notified", "notified")]


async def test_a_rule_added_between_two_deliveries_of_a_message_adds_its_own_mail(notifier: Notifier) -> None:
    content = feedback()
    await take(notifier, content)
    async with notifier.database.transaction() as connection:
        await insert_rule(connection, RULE, NOW)
    await take(notifier, content)
    assert [one.target for one in await notifier.deliveries()] == [ADA.email, BOB.email, RULE["target"]]


@pytest.mark.parametrize("order", [1, -1])
async def test_two_rules_of_one_address_keep_their_own_ways(notifier: Notifier, order: int) -> None:
    later = {**RULE, "name": "staging", "environments": ["staging"], "digest_minutes": 60}
    async with notifier.database.transaction() as connection:
        at_once = await insert_rule(connection, {**RULE, "environments": ["production"]}, NOW)
        hourly = await insert_rule(connection, later, NOW)
    await take(notifier, *[feedback(environment=name) for name in ("production", "staging")][::order])
    found = [one for one in await notifier.deliveries() if one.target == RULE["target"]]
    assert {(one.rule_id, one.state) for one in found} == {(at_once.id, "pending"), (hourly.id, "digest")}


def test_what_is_read_of_a_message_is_what_the_contract_has() -> None:
    assert set(Feedback.__struct_fields__) == set(FeedbackContent.model_fields)
    for read_as, model in (
        (Created, FeedbackCreated),
        (CreatedTogether, FeedbackCreatedTogether),
        (Changed, FeedbackChanged),
    ):
        assert set(read_as.__struct_fields__) <= set(model.model_fields)


def together(*contents: FeedbackContent, project_id: int = 1) -> Incoming:
    message = FeedbackCreatedTogether(id=new_id(), occurred_at=NOW, project_id=project_id, feedback=contents)
    return incoming(FEEDBACK_CREATED, message)


@pytest.mark.parametrize("seed", range(4))
async def test_feedback_announced_together_is_decided_as_if_each_came_alone(notifier: Notifier, seed: int) -> None:
    contents = [feedback(), feedback(environment="staging"), feedback(), feedback()]
    alone = [incoming(FEEDBACK_CREATED, created(content)) for content in contents]
    messages = [together(*contents[:3]), together(contents[3]), *alone, together(*contents)]
    random.Random(seed).shuffle(messages)
    for message in messages[:2]:
        await handle_feedback_created(notifier.context, [message])
    await handle_feedback_created(notifier.context, messages)
    found = [(one.notice.subject_id, one.target) for one in await notifier.deliveries()]
    assert sorted(found) == sorted((one.event_id, who.email) for one in contents for who in (ADA, BOB))
    assert len(await notifier.steps()) == len(contents)


async def test_not_spam_sends_the_held_mail_once_and_never_again(notifier: Notifier) -> None:
    await configure(notifier, features={Feature.SPAM_FILTER_ACTIONS: True})
    content = feedback(is_spam=True)
    await take(notifier, content)
    assert await notifier.deliveries() == []
    for _ in range(2):
        await change(notifier, content, "ignored", "unresolved")
        await change(notifier, content, "unresolved", "ignored")
    assert len(await notifier.deliveries()) == 2
    assert [step[1:] for step in await notifier.steps()] == [
        ("notification_skipped", "spam_filter_actions"),
        ("notified", "not_spam"),
    ]


async def test_a_status_change_mails_nothing_that_was_not_held(notifier: Notifier) -> None:
    content = feedback()
    await take(notifier, content)
    for before, after in (("unresolved", "resolved"), ("resolved", "unresolved"), ("ignored", "unresolved")):
        await change(notifier, content, before, after)
    assert len(await notifier.deliveries()) == 2
    assert len(await notifier.steps()) == 1


async def test_not_spam_that_comes_before_the_feedback_is_decided_by_the_feedback(notifier: Notifier) -> None:
    await configure(notifier, features={Feature.SPAM_FILTER_ACTIONS: True})
    content = feedback(is_spam=True)
    await change(notifier, content, "ignored", "unresolved")
    assert await notifier.deliveries() == []
    await take(notifier, content)
    assert [step[1:] for step in await notifier.steps()] == [("notification_skipped", "spam_filter_actions")]


async def test_an_old_report_that_was_held_obeys_its_option_when_released(notifier: Notifier) -> None:
    await configure(
        notifier,
        features={Feature.SPAM_FILTER_ACTIONS: True},
        options={Option.USER_REPORT_NOTIFICATIONS: False},
    )
    content = feedback(source=OLD, is_spam=True)
    await take(notifier, content)
    await change(notifier, content, "ignored", "unresolved")
    assert await notifier.deliveries() == []
    assert (await notifier.steps())[-1][1:] == ("notification_skipped", "feedback_user_report_notifications")
