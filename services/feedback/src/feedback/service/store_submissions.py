"""Store a batch of submissions: decide each, store it, and record the outcome, in one transaction.

A submission is identified by its project and event. Its first delivery decides the outcome; a higher revision
replaces the content of its feedback.

Nearly always a whole batch is new, and two statements store it. Otherwise a transaction of several statements
stores what is new.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Final

from hearback_contracts.reasons import Reason
from hearback_fleet.unit_of_work import UnitOfWork, Work
from hearback_kit.values.ids import random_ids

from feedback.domain.drafts import Submitted
from feedback.domain.search_values import keys_of, names_of
from feedback.metrics import SUBMISSIONS
from feedback.service.announce_feedback import Announcement, Announcer, Content, content_of
from feedback.service.decide_submission import OVERRULABLE, DecideSubmission, Decision, Reading
from feedback.service.record_outcomes import record_deleted_before, record_refused, record_revised, record_stored
from feedback.service.refuse_repeated import apart, closing_of, refuse_repeated, repeats_of
from feedback.settings import Settings
from feedback.store.arrivals import Arrival, Reserved, reserve, store_new
from feedback.store.attachments import count_attachments
from feedback.store.feedback_write import Identity, insert_feedback, update_feedback
from feedback.store.keys import EventKey
from feedback.store.projects import take_numbers
from feedback.store.search_names import record_names
from feedback.store.submissions import Known, change_reason, close_refused, find_known

NAMES_KNOWN_MAX: Final = 20_000  # kept in memory
NAME_CHARACTERS_MAX: Final = 200


class StoreSubmissions:
    """Stores batches of submissions; a repeated delivery changes nothing.

    `on_stored` is called with the number of feedback that a batch stored.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        decide: DecideSubmission,
        settings: Settings,
        on_stored: Callable[[int], None] | None = None,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._decide = decide
        self._on_stored = on_stored
        self._is_together = settings.announces_together
        self._is_compact = settings.compact_rows
        # Committed names as they were sent; they are never removed.
        self._names: set[tuple[int, str]] = set()

    async def __call__(self, submissions: Sequence[tuple[Submitted, bytes | None]]) -> None:
        """Store submissions, each a message and the feedback event's JSON."""
        readings = await self._decide.read([(apart(message), body) for message, body in submissions])
        highest = _highest_revisions(readings)
        chosen, repeats = list(highest.values()), repeats_of(readings, highest)
        if not chosen:
            return
        judged = {reading.rules.organization_id for reading in chosen if reading.rules.is_judged}
        async with self._unit_of_work.database.direct() as connection:
            reserved = await reserve(connection, [_arrival_of(one) for one in chosen], judged)
        await self._decide.prepare_judge(judged, reserved.taught)
        decisions = [self._decide(reading) for reading in chosen]
        await self._record_names(decisions)
        are_all_new = reserved.are_all_new and not repeats
        results = await self._store_new(decisions, reserved) if are_all_new else None
        if results is None:
            async with self._unit_of_work.begin() as work:
                results = await self._store(work, decisions, repeats)
        if self._on_stored is not None:
            self._on_stored(results.count("stored"))
        for result, number in Counter([*results, *["repeated"] * (len(submissions) - len(results))]).items():
            SUBMISSIONS.labels(result).inc(number)

    async def _store_new(self, decisions: Sequence[Decision], reserved: Reserved) -> list[str] | None:
        """Store a new batch; return None, and store nothing, if another worker stored some of it meanwhile."""
        storing = [decision for decision in decisions if decision.draft is not None]
        refused = [decision for decision in decisions if decision.draft is None]
        identities = _identities(storing, reserved.first_numbers)
        ids = {decision.key: feedback_id for decision, feedback_id in zip(storing, reserved.ids, strict=True)}
        record = self._unit_of_work.recorder()
        for decision in storing:
            record_stored(record, decision, ids[decision.key], counted=True)
        for decision in refused:
            record_refused(record, decision)
        # After the steps: those that an announcement leads to get later times.
        announced = self._announcements(storing, ids, identities, reserved.attachments)
        rows = [(ids[d.key], d.draft, identities[d.key]) for d in storing if d.draft is not None]
        async with self._unit_of_work.database.direct() as connection:
            now = self._unit_of_work.clock.now()
            recorded = record.messages()
            kept = [*recorded, *(one.kept for one in announced)]
            added = await store_new(connection, rows, closing_of(refused), kept, now, self._is_compact)
        if added is None:
            return None
        messages = (*recorded, *(one.message for one in announced))
        self._unit_of_work.relay.publish(added._replace(messages=messages))
        return ["stored"] * len(storing) + [str(decision.reason) for decision in refused]

    async def _store(self, work: Work, decisions: Sequence[Decision], repeats: Sequence[Reading]) -> list[str]:
        """Store a batch of which some may be known; return the results of those that changed anything."""
        chosen = {decision.key: decision for decision in decisions}
        known = await find_known(work.connection, list(chosen))
        for key, decision in chosen.items():
            if key in known and known[key].reason == Reason.DELETED:
                record_deleted_before(work.record, decision)
        fresh = [decision for key, decision in chosen.items() if key not in known]
        later = [(d, known[key]) for key, d in chosen.items() if key in known and _is_news(d, known[key])]
        storing = [decision for decision in fresh if decision.draft is not None]
        storing += [decision for decision, before in later if before.feedback_id is None]
        stored = await self._insert(work, storing, known)
        closing = await self._close(work, [d for d in fresh if d.draft is None])
        outrun = [d for d in fresh if d.key not in stored and d.key not in closing]
        if outrun:  # another worker was faster
            known |= await find_known(work.connection, [d.key for d in outrun])
        closed = list(closing.values())
        closed += await refuse_repeated(work, decisions, known, repeats, self._unit_of_work.clock.now())
        closed += await self._close_again(
            work, [d for key, d in chosen.items() if key in known and _is_refused_again(d, known[key])]
        )
        changes = [d for d in outrun if d.draft is not None and d.message.revision]
        changes += [decision for decision, before in later if before.feedback_id is not None]
        changed = await self._update(work, changes, known)
        return ["stored"] * len(stored) + closed + ["updated"] * changed

    async def _record_names(self, decisions: Sequence[Decision]) -> None:
        """Record names of tags and context fields, which are keys of searches, unless they are in memory.

        They are committed before their feedback; a name without feedback does no harm.
        """
        named: dict[int, set[str]] = {}
        for decision in decisions:
            if decision.draft is not None:
                named.setdefault(decision.draft.organization_id, set()).update(names_of(decision.draft.event))
        new = {(one, name) for one, names in named.items() for name in names if (one, name) not in self._names}
        if new:
            if keys := {(one, key) for one, name in new for key in keys_of([name])}:
                async with self._unit_of_work.database.transaction() as connection:
                    await record_names(connection, keys)
            if len(self._names) > NAMES_KNOWN_MAX:
                self._names.clear()
            self._names |= {(one, name) for one, name in new if len(name) <= NAME_CHARACTERS_MAX}

    async def _insert(
        self, work: Work, decisions: Sequence[Decision], known: Mapping[EventKey, Known]
    ) -> dict[EventKey, int]:
        """Store drafts; return the ids of those that no other worker stored meanwhile."""
        drafts = {decision.key: decision.draft for decision in decisions if decision.draft is not None}
        if not drafts:
            return {}
        identities = _identities(decisions, await _take_numbers(work, decisions))
        rows = [(drafts[key], identities[key]) for key in drafts]
        stored = await insert_feedback(work.connection, rows, is_compact=self._is_compact)
        attachments = await count_attachments(work.connection, stored)
        new = [decision for decision in decisions if decision.key in stored]
        for decision in new:
            # Accepting a refused submission took back the outcome of its refusal.
            counted = decision.key not in known or decision.message.accepted_by is not None
            record_stored(work.record, decision, stored[decision.key], counted=counted)
        work.messages.extend(one.message for one in self._announcements(new, stored, identities, attachments))
        return stored

    async def _update(self, work: Work, decisions: Sequence[Decision], known: Mapping[EventKey, Known]) -> int:
        """Replace the content of stored feedback by revisions; return how many changed."""
        drafts = {decision.key: decision.draft for decision in decisions if decision.draft is not None}
        changed = await update_feedback(work.connection, list(drafts.values())) if drafts else {}
        moved = {key for key in changed if key in known and known[key].status != changed[key].status}
        attachments = await count_attachments(work.connection, moved)
        announcer = self._announcer()
        for decision in decisions:
            key = decision.key
            record_revised(work.record, decision, known.get(key), changed.get(key))
            if key in moved:
                after = changed[key]
                content = content_of(drafts[key], after.feedback_id, after.short_id, attachments.get(key, 0))
                before = known[key].status or ""
                work.messages.append(announcer.changed(content, decision.message.project_id, before, after.status))
        return len(changed)

    def _announcements(
        self,
        decisions: Sequence[Decision],
        ids: Mapping[EventKey, int],
        identities: Mapping[EventKey, Identity],
        attachments: Mapping[EventKey, int],
    ) -> list[Announcement]:
        """Return the announcements of stored feedback, one for each or for several of a project."""
        announcer = self._announcer()
        contents: dict[int, list[Content]] = {}
        for decision in decisions:
            key, draft = decision.key, decision.draft
            assert draft is not None, "what is stored has a draft"
            content = content_of(draft, ids[key], identities[key].short_id, attachments.get(key, 0))
            contents.setdefault(key[0], []).append(content)
        return [
            announcement
            for project_id, those in contents.items()
            for announcement in announcer.created(
                those, project_id, together=self._is_together, is_compact=self._is_compact
            )
        ]

    def _announcer(self) -> Announcer:
        return Announcer(self._unit_of_work.clock.now(), self._unit_of_work.shards)

    async def _close(self, work: Work, refused: Sequence[Decision]) -> dict[EventKey, str]:
        """Close what was refused; return the reasons of what is new, by submission."""
        if not refused:
            return {}
        closed = await close_refused(work.connection, closing_of(refused), self._unit_of_work.clock.now())
        new = {decision.key: decision for decision in refused if decision.key in closed}
        return dict(zip(new, _record_refused(work, list(new.values())), strict=True))

    async def _close_again(self, work: Work, refused: Sequence[Decision]) -> list[str]:
        """Update the reasons of accepted submissions that are refused all the same; return these reasons."""
        changed = [d for d in refused if await change_reason(work.connection, d.key, OVERRULABLE, str(d.reason))]
        return _record_refused(work, changed)


def _record_refused(work: Work, refused: Sequence[Decision]) -> list[str]:
    for decision in refused:
        record_refused(work.record, decision)
    return [str(decision.reason) for decision in refused]


def _highest_revisions(readings: Sequence[Reading]) -> dict[EventKey, Reading]:
    """Return the highest revision of each submission: one that a person accepted, else the first delivery."""
    chosen = {reading.key: reading for reading in readings}
    if len(chosen) == len(readings):
        return chosen
    chosen.clear()
    for reading in readings:
        before = chosen.get(reading.key)
        if before is None or _precedence(reading.message) > _precedence(before.message):
            chosen[reading.key] = reading
    return chosen


def _arrival_of(reading: Reading) -> Arrival:
    return Arrival(*reading.key, reading.reason is None, reading.message.source.is_new)


async def _take_numbers(work: Work, decisions: Sequence[Decision]) -> dict[int, int]:
    """Take short-id numbers; return the first one of each project."""
    wanted = Counter(decision.message.project_id for decision in decisions)
    with_new = {d.message.project_id for d in decisions if d.message.source.is_new}
    return await take_numbers(work.connection, wanted, with_new)


def _identities(decisions: Sequence[Decision], first_numbers: Mapping[int, int]) -> dict[EventKey, Identity]:
    """Return the identities of new feedback by submission."""
    prefixes = {decision.key[0]: _prefix(decision.slug) for decision in decisions}
    numbers = {project_id: count(number) for project_id, number in first_numbers.items()}
    ids = iter(random_ids(2 * len(decisions)))  # the fingerprint is random, so that feedback is never grouped
    return {
        key: Identity(next(ids), next(ids), f"{prefixes[key[0]]}-{next(numbers[key[0]])}") for key, *_ in decisions
    }


def _prefix(slug: str) -> str:
    """Return the prefix of a project's short ids.

    A project `web-err` has another form of short ids, since `WEB-ERR-7` is an error group of `web`.
    """
    prefix = slug.upper()
    return f"{prefix}-F" if prefix.endswith("-ERR") else prefix


def _precedence(message: Submitted) -> tuple[int, bool]:
    return message.revision, message.accepted_by is not None


def _is_refused_again(decision: Decision, before: Known) -> bool:
    """Return whether an accepted submission is refused again, by a rule that no person may overrule."""
    is_accepted = decision.message.accepted_by is not None and before.feedback_id is None
    return is_accepted and before.reason in OVERRULABLE and decision.draft is None


def _is_news(decision: Decision, before: Known) -> bool:
    """Return whether a known submission changes something, unless it was deleted.

    A higher revision does, and a refused submission that a person accepted.
    """
    was_refused = before.feedback_id is None and before.reason != Reason.DELETED
    if was_refused and decision.message.accepted_by is not None:
        return decision.draft is not None
    if decision.message.revision <= before.revision:
        return False
    return before.feedback_id is not None or (was_refused and decision.draft is not None)
