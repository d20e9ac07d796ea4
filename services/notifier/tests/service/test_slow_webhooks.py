"""Webhooks that do not answer hold up no mail, and no other webhook, of their organization or of others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from hearback_devkit.testing import eventually
from notifier.jobs.deliver import WebhookDelivery
from notifier.service.attempt_delivery import RECORDED_AT_ONCE_MAX
from notifier.store.tables import DELIVERIES, NOTIFICATION_RULES
from pydantic import SecretStr
from sqlalchemy import select, text, update

from ..conftest import OK, Api, Deliverer, Hook, Mailbox, Notifier, feedback
from ..consumers.test_feedback_created import take

Own = Callable[[int, Hook, int], Awaitable[None]]


@asynccontextmanager
async def delivering(deliver: Deliverer) -> AsyncIterator[WebhookDelivery]:
    """Deliver webhooks as the worker does."""
    stop, delivery = asyncio.Event(), WebhookDelivery(deliver.webhooks, seconds=60)
    working = asyncio.create_task(delivery.run(stop))
    try:
        yield delivery
    finally:
        stop.set()
        await working


@pytest.fixture
def due(notifier: Notifier, api: Api) -> Own:
    """Store webhooks that are due: of an organization, to a server, as many."""

    async def store(organization_id: int, hook: Hook, count: int) -> None:
        async with notifier.database.transaction() as connection:
            await connection.execute(update(NOTIFICATION_RULES).values(is_enabled=False))
        body = {"name": "hook", "channel": "webhook", "target": hook.url}
        answer = await api.client.post(api.rules, json=body)
        assert answer.status_code == 201, answer.text
        await take(notifier, *(feedback() for _ in range(count)))
        theirs = DELIVERIES.c.rule_id == int(answer.json()["id"])
        async with notifier.database.transaction() as connection:
            await connection.execute(update(DELIVERIES).where(theirs).values(organization_id=organization_id))
        notifier.clock.move(seconds=1)

    return store


@pytest.mark.parametrize("organization_id", [1, 2], ids=["of_the_same_organization", "of_another"])
async def test_other_webhooks_are_delivered_meanwhile(
    notifier: Notifier, hook: Hook, other_hook: Hook, due: Own, organization_id: int
) -> None:
    """Also those that become due while all of the slow one's places are taken, and more than there are places."""
    hook.answering.clear()
    await due(1, hook, 9)
    await due(organization_id, other_hook, 13)
    async with delivering(notifier.deliverer(webhooks_running_max=16, webhooks_share_max=4)) as delivery:
        await eventually(lambda: len(other_hook.requests) == 13)
        await due(organization_id, other_hook, 2)
        delivery.wake()
        await eventually(lambda: len(other_hook.requests) == 15)
        assert len(hook.requests) == 2, "half of the share"
        hook.answering.set()
        await eventually(lambda: len(hook.requests) == 9)


async def test_many_slow_organizations_leave_a_place(
    notifier: Notifier, hook: Hook, other_hook: Hook, due: Own
) -> None:
    hook.answering.clear()
    for organization_id in range(2, 9):
        await due(organization_id, hook, 4)
    async with delivering(notifier.deliverer(webhooks_running_max=12, webhooks_share_max=8)) as delivery:
        await eventually(lambda: len(hook.requests) == 9)
        await due(1, other_hook, 3)
        delivery.wake()
        await eventually(lambda: len(other_hook.requests) == 3)
        assert len(hook.requests) == 9
        hook.answering.set()


async def test_what_is_under_way_ends_before_the_worker_does(notifier: Notifier, hook: Hook, due: Own) -> None:
    hook.answering.clear()
    await due(1, hook, 3)
    async with delivering(notifier.deliverer()):
        await eventually(lambda: len(hook.requests) == 3)
        hook.answering.set()
    async with notifier.database.connection() as connection:
        states = select(DELIVERIES.c.state).where(DELIVERIES.c.channel == "webhook")
        assert (await connection.scalars(states)).all() == ["sent"] * 3


@pytest.mark.parametrize("is_anothers", [False, True], ids=["free", "claimed_by_another"])
async def test_a_webhook_that_would_last_past_its_claim_is_not_begun(
    notifier: Notifier, hook: Hook, due: Own, is_anothers: bool
) -> None:
    """Its rule was read too slowly. It may be claimed again at once, unless another process has claimed it."""
    await due(1, hook, 1)
    claims = select(DELIVERIES.c.claimed_until, DELIVERIES.c.attempts).where(DELIVERIES.c.channel == "webhook")

    async def claim() -> tuple[datetime | None, int]:
        async with notifier.database.connection() as connection:
            claimed_until, attempts = (await connection.execute(claims)).one()
        return claimed_until, attempts

    async def attempts() -> int:
        return (await claim())[1]

    claimed_until = notifier.clock.now() + timedelta(hours=1) if is_anothers else None
    async with delivering(notifier.deliverer()), notifier.database.transaction() as locking:
        await locking.execute(text("LOCK TABLE notification_rule"))
        assert await eventually(attempts) == 1
        notifier.clock.move(seconds=notifier.settings.claim_seconds / 2)
        if is_anothers:
            await locking.execute(update(DELIVERIES).values(claimed_until=claimed_until, attempts=2))
    assert (hook.requests, await claim()) == ([], (claimed_until, 2 if is_anothers else 0))
    await notifier.deliverer().run_once()
    assert len(hook.requests) == (0 if is_anothers else 1)


async def test_no_mail_waits_for_webhooks(
    notifier: Notifier, hook: Hook, due: Own, mailbox: Mailbox, smtp: str
) -> None:
    hook.answering.clear()
    await due(1, hook, 1)
    deliver = notifier.deliverer(smtp_url=SecretStr(smtp))
    async with delivering(deliver):
        await eventually(lambda: hook.requests)
        await deliver.mails.run_once()
        assert mailbox.messages
        hook.answering.set()


@pytest.mark.parametrize("answer", [OK, b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"])
async def test_many_webhooks_at_once_take_few_connections_to_the_database(
    notifier: Notifier, hook: Hook, due: Own, answer: bytes
) -> None:
    """Each new one costs PostgreSQL and the notifier more than several records."""
    hook.answers = [answer] * 12
    hook.answering.clear()
    await due(1, hook, 12)
    async with delivering(notifier.deliverer(webhooks_share_max=24)):
        await eventually(lambda: len(hook.requests) == 12)
        hook.answering.set()
    async with notifier.database.direct() as connection:
        rows = await connection.fetch("SELECT FROM pg_stat_activity WHERE datname = current_database()")
    assert len(rows) <= RECORDED_AT_ONCE_MAX + 2, "the app that made the rule has one, too"
