"""Ask a model about feedback that the local judge passed, after it was stored; the answer can only add "spam".

Questions are queued in memory, up to a bound. Feedback whose question is dropped, fails or is lost keeps its
verdict. Nothing waits for an answer.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from hearback_contracts.flags import Feature
from hearback_fleet.configuration import Configuration
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.logs import get_logger

from feedback.clients.spam_endpoint import JudgeFailed, SpamEndpoint
from feedback.domain.drafts import Draft
from feedback.domain.spam import CLEARED, SECOND_OPINION, Content, SpamVerdict
from feedback.domain.statuses import IGNORED
from feedback.metrics import SECOND_OPINIONS
from feedback.service.announce_feedback import Announcer, announce_changes
from feedback.service.judge_spam import SpamJudge, is_judged
from feedback.service.record_outcomes import record_second_opinion
from feedback.store.spam_verdicts import lock_passed, mark_as_spam

_STORED_SECONDS: Final = (0.0, 0.5, 2.0, 10.0)  # pauses before a feedback is looked for that is not stored yet
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """A feedback to ask about."""

    project_id: int
    event_id: str
    revision: int
    text: str
    name: str | None


class SecondOpinions:
    """Wraps the local judge and asks a model in the background, `at_once_max` questions concurrently."""

    def __init__(
        self,
        local: SpamJudge,
        model: SpamEndpoint,
        configuration: Configuration,
        unit_of_work: UnitOfWork,
        *,
        waiting_max: int,
        at_once_max: int,
    ) -> None:
        self._local = local
        self._model = model
        self._configuration = configuration
        self._unit_of_work = unit_of_work
        self._waiting: asyncio.Queue[Question] = asyncio.Queue(waiting_max)
        self._at_once_max = at_once_max

    async def prepare(self, organization_ids: Collection[int], versions: Mapping[int, int] | None = None) -> None:
        """Load what the local judge needs; raises Unavailable."""
        await self._local.prepare(organization_ids, versions)

    def judge(self, organization_id: int, content: Content) -> SpamVerdict:
        """Return the local judge's verdict."""
        return self._local.judge(organization_id, content)

    def review(self, draft: Draft) -> None:
        """Queue a question about a feedback that was judged not spam, if there is room; return at once."""
        evidence = draft.evidence
        is_cleared = tuple(evidence.get("spam_reasons", ())) == CLEARED
        if not evidence.get("spam_detection_enabled") or draft.is_spam or is_cleared:
            return
        question = Question(draft.project_id, draft.event_id, draft.revision, draft.message, draft.name)
        try:
            self._waiting.put_nowait(question)
        except asyncio.QueueFull:
            SECOND_OPINIONS.labels("no_room").inc()

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until `stop` is set; queued questions are then dropped."""
        askers = [asyncio.create_task(self._ask_all()) for _ in range(self._at_once_max)]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([stopping, *askers], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, *askers):
                task.cancel()
            ended = await asyncio.gather(*askers, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result

    async def _ask_all(self) -> None:
        while True:
            question = await self._waiting.get()
            try:
                result = await self._ask(question)
            except Exception:
                _log.exception("second_opinion_failed")
                result = "failed"
            SECOND_OPINIONS.labels(result).inc()

    async def _ask(self, question: Question) -> str:
        try:
            is_spam = await self._model.ask(question.text, question.name)
        except JudgeFailed as error:
            _log.warning("second_opinion_failed", why=str(error))
            return "failed"
        if not is_spam:
            return "unknown" if is_spam is None else "not_spam"
        for pause in _STORED_SECONDS:
            await asyncio.sleep(pause)
            if await self._mark(question):
                return "spam"
        return "too_late"

    async def _mark(self, question: Question) -> bool:
        """Mark the feedback as spam; return False when it is missing, or was triaged or revised meanwhile."""
        project = await self._configuration.project(question.project_id)
        if project is None or not is_judged(project):
            return False
        is_ignored = project.feature(Feature.SPAM_FILTER_ACTIONS)
        async with self._unit_of_work.begin() as work:
            found = await lock_passed(
                work.connection, question.project_id, question.event_id, revision=question.revision
            )
            if found is None:
                return False
            await mark_as_spam(work.connection, found, sign=SECOND_OPINION, is_ignored=is_ignored)
            record_second_opinion(work.record, found, SECOND_OPINION)
            if is_ignored:
                judged = replace(found, evidence={**found.evidence, "is_spam": True})
                announcer = Announcer(self._unit_of_work.clock.now(), self._unit_of_work.shards)
                work.messages.extend(await announce_changes(work.connection, announcer, [judged], IGNORED))
        return True
