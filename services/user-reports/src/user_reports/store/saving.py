"""Saving reports: the one way in for envelopes, the HTTP endpoint, the modal and tests alike.

Everything happens in the caller's transaction. Report and event are locked first (`queries.locks`), so
that of a report and an event arriving at the same moment one always sees the other.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.reasons import Reason
from hearback_kit.db import Connection

from user_reports import metrics
from user_reports.domain.model import Deleted, IndexedEvent, Key, Refusal, Report, Submission
from user_reports.domain.rules import AgeRules, Known, judge, new_report, replace_words
from user_reports.store.queries.deletions import find_deleted
from user_reports.store.queries.events import find_events
from user_reports.store.queries.locks import lock_keys
from user_reports.store.queries.reports import find_reports_locked, note_refusals, store_reports
from user_reports.store.telling import Telling


class Saved(msgspec.Struct, frozen=True):
    """What became of one submission: the report as it stands, and the reason if it was refused."""

    report: Report | None
    reason: Reason | None = None


async def save_submissions(
    connection: Connection,
    submissions: Sequence[Submission],
    refusals: Sequence[Refusal] = (),
    *,
    rules: AgeRules,
    denied: frozenset[int],
    telling: Telling,
    now: datetime,
) -> list[Saved]:
    """Store submissions in their order and link those whose event is known; one result each.

    `refusals` were refused before they got here and are only told. `denied` are the projects whose reports
    are stored but not handed on.
    """
    keys = sorted({(item.project_id, item.event_id) for item in submissions})
    keys_refused = {key for item in refusals if (key := _key_of(item))}
    await lock_keys(connection, keys)
    stored = await find_reports_locked(connection, sorted({*keys, *keys_refused}))
    deleted = await find_deleted(connection, keys)
    events = await find_events(connection, keys)
    changed: dict[Key, Report] = {}
    late: list[Refusal] = []
    results: list[Saved] = []
    for submission in submissions:
        key = (submission.project_id, submission.event_id)
        event = events.get(key)
        reason = judge(submission, stored.get(key), event, rules, deleted.get(key))
        if isinstance(reason, Reason):
            late.append(_refuse(submission, reason))
            results.append(Saved(stored.get(key), reason))
        elif reason is Known.ALREADY:
            results.append(Saved(stored.get(key)))
        else:
            before = stored.get(key) or deleted.get(key)
            report = _apply(submission, before, event, telling, now, denied=key[0] in denied)
            stored[key] = changed[key] = report
            results.append(Saved(report))
    await store_reports(connection, list(changed.values()))
    await _tell_refusals(connection, [*refusals, *late], stored, telling, now)
    return results


def _apply(
    submission: Submission,
    before: Report | Deleted | None,
    event: IndexedEvent | None,
    telling: Telling,
    now: datetime,
    *,
    denied: bool,
) -> Report:
    if isinstance(before, Report):
        report, result = replace_words(before, submission), "replaced"
    else:
        report, result = new_report(submission, before), "stored"
    if event is not None and report.group_id is None:
        report.link(event, now)
    if report.group_id is None:
        telling.saved(report)
    else:
        telling.linked(report, event, submission.source, denied=denied)
        metrics.LINKED.labels("save").inc()
    metrics.REPORTS.labels(result, submission.source.value).inc()
    return report


def _refuse(submission: Submission, reason: Reason) -> Refusal:
    return Refusal(
        message_id=submission.message_id,
        organization_id=submission.organization_id,
        project_id=submission.project_id,
        submission_id=submission.event_id,
        source=submission.source,
        reason=reason,
        key_id=submission.key_id,
        sdk=submission.sdk,
    )


def _key_of(refusal: Refusal) -> Key | None:
    event_id = parse_event_id(refusal.submission_id)
    return (refusal.project_id, event_id) if event_id else None


async def _tell_refusals(
    connection: Connection,
    refusals: Sequence[Refusal],
    stored: dict[Key, Report],
    telling: Telling,
    now: datetime,
) -> None:
    """Tell each refused message once, however often it is delivered."""
    fresh = await note_refusals(connection, [item.message_id for item in refusals], now)
    for refusal in refusals:
        if refusal.message_id in fresh:
            fresh.discard(refusal.message_id)
            key = _key_of(refusal)
            telling.refused(refusal, stored.get(key) if key else None)
            metrics.REPORTS.labels("refused", refusal.source.value).inc()
