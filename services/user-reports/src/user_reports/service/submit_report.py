"""Submit reports: one admission for envelopes, the HTTP endpoint and the crash-report dialog.

Report and event are locked first (`store.locks`), so that when both arrive at the same time, one sees the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.reasons import Reason

from user_reports import metrics
from user_reports.domain.admission import AgeRules, Decision, admit, decide, new_report, replace_content
from user_reports.domain.model import Deleted, IndexedEvent, Key, Refusal, Report, Submission
from user_reports.service.app_state import ServiceContext, Transaction
from user_reports.service.link_reports import Link, announce_links
from user_reports.store.deletions import find_deleted
from user_reports.store.events import find_events
from user_reports.store.locks import lock_keys
from user_reports.store.refusals import add_refusals
from user_reports.store.reports import find_reports_locked, store_reports


class Received(NamedTuple):
    """A message and its payload, None if that is not a JSON object."""

    message: UserReportSubmitted
    payload: Mapping[str, Any] | None


class Submitted(NamedTuple):
    """The stored report after a submission, and the reason if it was refused."""

    report: Report | None
    reason: Reason | None = None


async def submit_reports(
    context: ServiceContext, rules: AgeRules, received: Sequence[Received], *, is_first_step: bool = False
) -> list[Submitted]:
    """Store reports in order and link those whose event is indexed; return one result each.

    With `is_first_step` their arrival is recorded in the journal, too.
    """
    policies = await context.projects.policies(item.message.project_id for item in received)
    admitted = [admit(item.message, item.payload, policies[item.message.project_id]) for item in received]
    async with context.transaction(policies) as transaction:
        if is_first_step:
            for item in admitted:
                if isinstance(item, Submission):
                    transaction.recorder.record_received(item, transaction.now)
        return await _Batch(transaction, rules).submit(admitted)


async def refuse_report(context: ServiceContext, received: Received) -> Reason | None:
    """Record and return the reason to refuse a report; None if only the form's fields are invalid."""
    message, payload = received
    refusal = admit(message, payload, await context.projects.policy(message.project_id))
    if isinstance(refusal, Submission):
        return None
    await _record(context, refusal)
    return refusal.reason


async def refuse_unread(context: ServiceContext, message: UserReportSubmitted, reason: Reason) -> None:
    """Record the refusal of a report whose body was not read."""
    await _record(context, Refusal.of_message(message, None, reason))


async def refuse_by_quota(context: ServiceContext, received: Received, reason_code: str | None) -> None:
    """Record that a quota refused a report."""
    refusal = Refusal.of_message(received.message, received.payload, Reason.RATE_LIMITED)
    await _record(context, msgspec.structs.replace(refusal, reason_code=reason_code))


async def _record(context: ServiceContext, refusal: Refusal) -> None:
    async with context.transaction() as transaction:
        await _record_refusals(transaction, [refusal], {})


async def _record_refusals(
    transaction: Transaction, refusals: Sequence[Refusal], stored: Mapping[Key, Report]
) -> None:
    """Record each refused message once, however often it is delivered."""
    message_ids = [item.message.id for item in refusals]
    fresh = await add_refusals(transaction.connection, message_ids, transaction.now)
    for refusal in refusals:
        if refusal.message.id in fresh:
            fresh.discard(refusal.message.id)
            transaction.recorder.record_refused(refusal, stored.get(refusal.key) if refusal.key else None)
            metrics.REPORTS.labels("refused", refusal.message.source.value).inc()


@dataclass(slots=True)
class _Batch:
    """The reports of one transaction."""

    transaction: Transaction
    rules: AgeRules
    stored: dict[Key, Report] = field(default_factory=dict)
    deleted: dict[Key, Deleted] = field(default_factory=dict)
    events: dict[Key, IndexedEvent] = field(default_factory=dict)
    changed: dict[Key, Report] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    async def submit(self, admitted: Sequence[Submission | Refusal]) -> list[Submitted]:
        await self._load(admitted)
        results = [self._take(item) for item in admitted]
        await store_reports(self.transaction.connection, list(self.changed.values()))
        await announce_links(self.transaction, self.links)
        await _record_refusals(self.transaction, self.refusals, self.stored)
        return results

    async def _load(self, admitted: Sequence[Submission | Refusal]) -> None:
        submissions = [item for item in admitted if isinstance(item, Submission)]
        keys = sorted({item.key for item in submissions})
        event_keys = sorted({key for item in submissions if (key := item.event_key) is not None})
        connection = self.transaction.connection
        await lock_keys(connection, {*keys, *event_keys})
        named = {key for item in admitted if (key := item.key) is not None}
        self.stored = await find_reports_locked(connection, sorted(named))
        self.deleted = await find_deleted(connection, keys)
        self.events = await find_events(connection, event_keys)

    def _take(self, item: Submission | Refusal) -> Submitted:
        stored = self.stored.get(item.key) if item.key else None
        if isinstance(item, Refusal):
            self.refusals.append(item)
            return Submitted(stored, item.reason)
        decision = decide(item, stored, self._event_of(item), self.rules, self.deleted.get(item.key))
        if isinstance(decision, Reason):
            self.refusals.append(Refusal.of(item, decision))
            return Submitted(stored, decision)
        if decision is Decision.DUPLICATE:
            return Submitted(stored)
        return Submitted(self._store(item, stored))

    def _event_of(self, submission: Submission) -> IndexedEvent | None:
        return self.events.get(submission.event_key) if submission.event_key is not None else None

    def _store(self, submission: Submission, stored: Report | None) -> Report:
        key, source = submission.key, submission.message.source
        if stored is not None:
            report, result = replace_content(stored, submission), "replaced"
        else:
            report, result = new_report(submission, self.deleted.get(key)), "stored"
        event = self._event_of(submission)
        if event is not None and report.group_id is None:
            report.link(event, self.transaction.now)
            self.links.append(Link(report, event))
            metrics.LINKED.labels("save").inc()
        if report.is_waiting:
            self.transaction.recorder.record_waiting(report)
        else:
            denied = self.transaction.policies[key[0]].is_denied
            self.transaction.recorder.record_handed_on(report, event, source, denied=denied)
        metrics.REPORTS.labels(result, source.value).inc()
        self.stored[key] = self.changed[key] = report
        return report
