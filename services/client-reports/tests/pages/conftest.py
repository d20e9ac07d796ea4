"""The pages in a browser of httpx, and what there is to show on them."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest_asyncio
from client_reports.app import create_app
from client_reports.consumers.outcome_recorded import OutcomeRecordedHandler
from client_reports.domain.counting import Count, CountKey, Effects
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import OutcomeRecorded, SubmissionStep, UserReportSubmitted
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import running
from hearback_devkit.testing.pages import PageBrowser
from hearback_fleet.messages import outgoing
from hearback_kit.bus import Incoming
from hearback_kit.values.ids import new_id


class Browser(PageBrowser):
    """A browser, and a hand to fill the journal and the counters."""

    def __init__(self, client: httpx.AsyncClient, app: Any, store: Any) -> None:
        super().__init__(client, app)
        self.store = store

    async def step(
        self,
        submission_id: str,
        state: SubmissionState = SubmissionState.STORED,
        step: str = "stored",
        reason: str | None = None,
        *,
        project_id: int = 1,
        organization_id: int = 1,
        at: datetime | None = None,
        source: FeedbackSource | None = FeedbackSource.NEW_FEEDBACK_ENVELOPE,
        payload: Any = None,
        **fields: Any,
    ) -> None:
        """Record a step of a submission, as its owner does."""
        moment = at or self.store.clock.move(seconds=1)
        refused = None
        if payload is not None:
            refused = UserReportSubmitted(
                id=new_id(),
                occurred_at=moment,
                received_at=moment,
                project_id=project_id,
                organization_id=organization_id,
                event_id=submission_id,
                source=FeedbackSource.USER_REPORT_ENVELOPE,
            )
        recorded = SubmissionStep(
            organization_id=organization_id,
            project_id=project_id,
            submission_id=submission_id,
            state=state,
            step=step,
            reason=reason,
            at=moment,
            source=source,
            payload=payload,
            refused=refused,
            **fields,
        )
        message = OutcomeRecorded(
            id=new_id(), occurred_at=moment, project_id=project_id, service="user-reports", steps=(recorded,)
        )
        entry = outgoing(OUTCOME_RECORDED, message, 1)
        handler = OutcomeRecordedHandler(self.store.recorder(), shards=1)
        await handler([Incoming(entry.key, "1-0", entry.type, entry.version, entry.data, None)])

    async def count(
        self,
        quantity: int,
        outcome: Outcome = Outcome.ACCEPTED,
        reason: str | None = None,
        *,
        category: DataCategory = DataCategory.ERROR,
        hours_ago: float = 1,
        project_id: int = 1,
        organization_id: int = 1,
        sdk: str | None = "sentry.python/2.75.0",
    ) -> None:
        """Count a quantity."""
        minute = (self.store.clock.now() - timedelta(hours=hours_ago)).replace(second=0, microsecond=0)
        key = CountKey(organization_id, project_id, 1, int(category), int(outcome), reason, sdk, minute)
        await self.store.recorder().record([Effects(uuid4(), self.store.clock.now(), (Count(key, quantity),))])

    async def refuse(self, submission_id: str, words: str = "It broke.") -> None:
        """Record a report that a rule of time refused."""
        await self.step(
            submission_id,
            SubmissionState.INVALID,
            "invalid",
            Reason.REPORT_EVENT_TOO_OLD,
            source=FeedbackSource.USER_REPORT_ENVELOPE,
            payload={"event_id": submission_id, "name": "Ann", "email": "ann@example.com", "comments": words},
        )


@pytest_asyncio.fixture
async def browser(store: Any, redis: Any, bus: Any) -> AsyncIterator[Browser]:
    """An owner's browser; organization 1 has projects 1 and 2, organization 2 has project 3."""
    await publish_project(redis)
    await publish_project(redis, project_id=2)
    await publish_project(redis, project_id=3, organization_id=2)
    app = create_app(store.settings, clock=store.clock)
    async with running(app) as client:
        yield Browser(client, app, store)
