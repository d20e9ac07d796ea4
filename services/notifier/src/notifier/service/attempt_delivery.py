"""Attempt a delivery that was claimed, and record the result.

A delivery is claimed in one transaction, sent, and recorded at once in another. It begins so early that its
longest attempt ends before its claim, or not at all. SMTP does not recognize repeated messages: if the process is
killed between the server's answer and the record, the mail is sent again after `claim_seconds`, with the same
Message-ID. None is lost, and only such a kill can double one.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from email.errors import MessageError
from time import monotonic, perf_counter
from typing import Final
from urllib.parse import urlsplit

import orjson
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.mail import MailNotBegun, MailRefused, MailTransport

from notifier import metrics
from notifier.clients.outbound import CallFailed, OutboundCalls, TargetRefused
from notifier.domain.mail import Envelope, Renderer, compose
from notifier.domain.notice import webhook_notice
from notifier.domain.recipients import Channel, WebhookFormat
from notifier.domain.retry import delay
from notifier.domain.webhook import body_of, signed_headers
from notifier.settings import Settings
from notifier.store import deliveries as store
from notifier.store import destinations, notification_rules
from notifier.store.deliveries import Delivery

RECORDED_AT_ONCE_MAX: Final = 2  # each needs a connection, and a new one costs more than several records
_log = get_logger(__name__)
_GONE = 410


class _Failed(Exception):
    """An attempt failed; `is_final` when no other attempt can succeed, `switches_off` when no other notice can."""

    def __init__(self, answer: str, *, is_final: bool = False, switches_off: bool = False) -> None:
        super().__init__(answer)
        self.answer = answer
        self.is_final = is_final
        self.switches_off = switches_off


class _NotBegun(Exception):
    """An attempt would last past its claim, after which another process may begin it."""


class DeliveryAttempts:
    """Attempts deliveries; several processes may do so at once."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        *,
        mail: MailTransport,
        calls: OutboundCalls,
        render: Renderer,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._mail = mail
        self._calls = calls
        self._render = render
        self._recording = asyncio.Semaphore(RECORDED_AT_ONCE_MAX)
        self._host = urlsplit(settings.public_url).hostname or "localhost"

    async def deliver(self, shown: Sequence[Delivery], ids: Sequence[int]) -> None:
        """Send one delivery, or several as a digest that shows the first of them, and record the result."""
        first, started = shown[0], perf_counter()
        try:
            answer = await (self._send_mail if first.channel is Channel.EMAIL else self._call)(shown, len(ids))
        except _Failed as failure:
            await self._record_failure(first, ids, failure)
            result = "refused" if failure.is_final else "failed"
        except (MailNotBegun, _NotBegun):
            _log.warning("delivery_not_begun", delivery=first.id)
            async with self._recording, self._database.transaction() as connection:
                await store.release(connection, ids, first.claimed_until)
            return
        except Unavailable:  # our own database, not the destination
            raise
        except Exception as error:  # a bug must not hold up other deliveries; this one is given up in the end
            _log.exception("delivery_crashed", delivery=first.id)
            await self._record_failure(first, ids, _Failed(f"could not be sent: {type(error).__name__}"))
            result = "failed"
        else:
            async with self._recording, self._database.direct() as connection:
                await store.record_sent(connection, ids, answer, self._clock.now(), destination=first.destination)
            result = "sent"
        metrics.DELIVERIES.labels(str(first.channel), result).inc(len(ids))
        metrics.DELIVERY_SECONDS.labels(str(first.channel)).observe(perf_counter() - started)

    async def _send_mail(self, shown: Sequence[Delivery], count: int) -> str:
        first, begin_before = shown[0], monotonic() + self._begin_within(shown[0])
        has_reply_to = count == 1 and first.notice.allows_reply
        envelope = Envelope(
            delivery_id=first.id,
            sender=self._settings.mail_from,
            recipient=first.target,
            host=self._host,
            language=first.language,
            unsubscribe_url=first.unsubscribe_url,
            reply_to=first.notice.contact if has_reply_to else None,
        )
        try:
            message = compose(
                envelope,
                [delivery.notice for delivery in shown],
                self._render,
                first.created_at,
                more=count - len(shown),
            )
        except (ValueError, IndexError, MessageError) as error:
            raise _Failed(f"the address cannot be used: {error}", is_final=True, switches_off=True) from error
        try:
            return await self._mail.send(
                message, self._settings.mail_from, first.target, begin_before=begin_before
            )
        except MailRefused as refused:
            raise _Failed(
                refused.answer, is_final=refused.is_permanent, switches_off=refused.ends_recipient
            ) from refused

    def _begin_within(self, claimed: Delivery) -> float:
        """Return in how many seconds the attempt of a claimed delivery has to begin."""
        now = self._clock.now()
        left = (claimed.claimed_until or now) - now
        return left.total_seconds() - self._settings.claim_seconds_left_min

    async def _call(self, shown: Sequence[Delivery], count: int) -> str:
        first = shown[0]
        async with self._recording:
            rule = await self._database.read(notification_rules.find_rule, first.project_id, first.rule_id or 0)
        if self._begin_within(first) <= 0:
            raise _NotBegun
        if rule is None:
            raise _Failed("the rule was deleted", is_final=True)
        notice = webhook_notice(first.notice)
        if count > 1:
            notice["heading"] = f"{notice['heading']} (+{count - 1})"
            notices = [dict(delivery.notice.data) for delivery in shown]
            notice["data"] = {"notices": notices, "more": count - len(shown)}
        body = orjson.dumps(body_of(WebhookFormat(rule.format), notice))
        headers = signed_headers(rule.secret, f"msg_{first.id}", self._clock.now(), body)
        try:
            answer = await self._calls.post(rule.target, body, headers, first.organization_id)
        except TargetRefused as error:
            raise _Failed(str(error), is_final=True) from error
        except CallFailed as error:
            raise _Failed(str(error)) from error
        said = f"{answer.status} {answer.text}"[: store.ANSWER_LENGTH_MAX]
        if 200 <= answer.status < 300:
            return said
        is_gone = answer.status == _GONE
        raise _Failed(said, is_final=is_gone, switches_off=is_gone)

    async def _record_failure(self, first: Delivery, ids: Sequence[int], failure: _Failed) -> None:
        settings, now = self._settings, self._clock.now()
        is_last = failure.is_final or first.attempts >= settings.attempts_max
        retry_at = None if is_last else now + delay(first.attempts, random.random())
        _log.warning("delivery_failed", delivery=first.id, channel=str(first.channel), attempt=first.attempts)
        async with self._recording, self._database.transaction() as connection:
            await store.record_failure(
                connection, ids, failure.answer, retry_at=retry_at, is_final=failure.is_final, now=now
            )
            if failure.switches_off:
                await destinations.switch_off(connection, first.destination, failure.answer, now)
            elif not failure.is_final:
                await destinations.count_failure(
                    connection,
                    first.destination,
                    now,
                    failures_max=settings.breaker_failures,
                    rest=timedelta(seconds=settings.breaker_seconds),
                )
