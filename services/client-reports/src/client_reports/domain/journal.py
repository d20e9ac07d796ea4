"""Compute how steps change the journal of submissions, within a project's limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

import msgspec
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason

from client_reports.domain.submission_status import Step, SubmissionStatus, bounded, in_order, resolve_status


class SubmissionKey(NamedTuple):
    """The key of a submission; its id is 32 hex digits if it is an event id."""

    project_id: int
    id: str


class RefusedMessage(NamedTuple):
    """A refused submission that can be submitted again: message and payload as JSON.

    `message` is None if it can only be read. `digest` identifies the payload.
    """

    message: str | None
    payload: str
    digest: bytes


class RecordedStep(msgspec.Struct, frozen=True, gc=False):
    """A step with its submission and, if a rule refused it, the refused message."""

    organization_id: int
    submission: SubmissionKey
    step: Step
    refused: RefusedMessage | None = None


def is_followed(recorded: RecordedStep) -> bool:
    """Return whether others usually follow a step: it is no refusal, and not the last one, the notifier's."""
    step = recorded.step
    return step.state in _FOLLOWED and step.service != _LAST and recorded.refused is None


class StoredSteps(NamedTuple):
    """The steps of a submission, and the day of its partition."""

    day: date
    steps: tuple[Step, ...]


class Submission(NamedTuple):
    """A row of the journal."""

    key: SubmissionKey
    day: date
    organization_id: int
    status: SubmissionStatus


class RefusedRow(NamedTuple):
    """A refused submission to store in the partition of its journal row."""

    key: SubmissionKey
    day: date
    step: Step
    refused: RefusedMessage


class Usage(NamedTuple):
    """A project's usage of the journal on a day: new submissions, and bytes of refused payloads."""

    submissions: int = 0
    payload_bytes: int = 0


_UNUSED: Final = Usage()
_LAST: Final = "notifier"
_FOLLOWED: Final = frozenset(
    {SubmissionState.ACCEPTED, SubmissionState.STORED, SubmissionState.LINKED, SubmissionState.SPAM}
)
_DELETED: Final = Reason.DELETED  # a member of an enumeration takes Python 3.11 ten times as long as a name


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """Limits of the journal: steps and refused payloads per submission, and daily usage per project."""

    steps_max: int
    payloads_max: int
    submissions_per_day_max: int
    payload_bytes_per_day_max: int


@dataclass(slots=True)
class JournalChanges:
    """Rows to write, payloads to erase, added usage by project, and counts of what exceeded a limit."""

    submissions: list[Submission] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    erased: list[SubmissionKey] = field(default_factory=list)
    usage: dict[int, Usage] = field(default_factory=dict)
    steps_added: int = 0
    steps_dropped: int = 0
    payloads_dropped: int = 0

    def use(self, project_id: int, *, submissions: int = 0, payload_bytes: int = 0) -> None:
        """Add to the usage of a project."""
        before = self.usage.get(project_id, _UNUSED)
        self.usage[project_id] = Usage(before.submissions + submissions, before.payload_bytes + payload_bytes)


class Journal(NamedTuple):
    """The stored state of the submissions that steps belong to."""

    stored: Mapping[SubmissionKey, StoredSteps]
    usage: Mapping[int, Usage]
    digests: Mapping[SubmissionKey, Sequence[bytes]]


def plan_changes(
    groups: Mapping[SubmissionKey, Sequence[RecordedStep]],
    journal: Journal,
    limits: JournalLimits,
    days: tuple[date, date],
) -> JournalChanges:
    """Return the changes that steps make; idempotent, and independent of their order.

    `days` are the first and the last day with a partition.
    """
    changes = JournalChanges()
    new: dict[int, int] = {}  # submissions by project
    for key, recorded in groups.items():
        stored = journal.stored.get(key)
        if stored is None:
            count, used = new.get(key.project_id, 0), journal.usage.get(key.project_id, _UNUSED)
            if used.submissions + count >= limits.submissions_per_day_max:
                changes.steps_dropped += len(recorded)
                continue
            new[key.project_id] = count + 1
        before = stored.steps if stored else ()
        merged = in_order([*before, *[one.step for one in recorded]])
        if len(merged) == len(before):
            continue
        steps = merged if len(merged) <= limits.steps_max else bounded(merged, limits.steps_max)
        status = resolve_status(steps)
        day = stored.day if stored else min(max(status.received_at.date(), days[0]), days[1])
        changes.submissions.append(Submission(key, day, recorded[0].organization_id, status))
        changes.steps_added += len(merged) - len(before)
        changes.steps_dropped += len(merged) - len(steps)
        for one in recorded:
            if one.refused is not None or one.step.reason == _DELETED:
                _plan_payloads(key, day, recorded, journal, limits, changes)
                break
    for project_id, count in new.items():
        changes.use(project_id, submissions=count)
    return changes


def _plan_payloads(
    key: SubmissionKey,
    day: date,
    recorded: Sequence[RecordedStep],
    journal: Journal,
    limits: JournalLimits,
    changes: JournalChanges,
) -> None:
    """Plan payloads of refused attempts; a deletion also erases earlier ones."""
    deleted_at = max([one.step.at for one in recorded if one.step.reason == _DELETED], default=None)
    if deleted_at is not None:
        changes.erased.append(key)
    known = set(journal.digests.get(key, ()))
    for one in recorded:
        refused = one.refused
        if refused is None or refused.digest in known or (deleted_at and one.step.at <= deleted_at):
            continue
        size = len(refused.payload.encode()) + len(refused.message or "")
        used = journal.usage.get(key.project_id, _UNUSED).payload_bytes
        used += changes.usage.get(key.project_id, _UNUSED).payload_bytes
        if len(known) >= limits.payloads_max or used + size > limits.payload_bytes_per_day_max:
            changes.payloads_dropped += 1
            continue
        known.add(refused.digest)
        changes.refused.append(RefusedRow(key, day, one.step, refused))
        changes.use(key.project_id, payload_bytes=size)
