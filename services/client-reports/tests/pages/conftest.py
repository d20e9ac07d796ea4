"""The pages in a browser of httpx, and what there is to show on them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio
from client_reports.app import create_app
from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.testing import running
from hearback_devkit.testing.pages import PageBrowser
from hearback_kit.values.ids import new_id


class Browser(PageBrowser):
    """A browser, and a hand to fill the journal and the counters."""

    def __init__(self, client: httpx.AsyncClient, app: Any, store: Any) -> None:
        super().__init__(client, app)
        self.store = store

    async def step(
        self, submission_id: str, state: SubmissionState = SubmissionState.STORED, step: str = "stored",
        reason: str | None = None, **fields: Any,
    ) -> None:  # fmt: skip
        """Record a step of a submission a second later, as its owner does."""
        fields = {"at": self.store.clock.move(seconds=1), "source": FeedbackSource.NEW_FEEDBACK_ENVELOPE, **fields}
        await self.store.take(self.store.step(submission_id, state, step, reason=reason, **fields))

    async def count(self, quantity: int, outcome: Outcome = Outcome.ACCEPTED, *more: Any, **fields: Any) -> None:
        """Count a quantity of an hour ago."""
        fields = {"ago": timedelta(hours=1), **fields}
        await self.store.add(self.store.count(quantity, outcome, *more, **fields))

    async def refuse(self, submission_id: str, words: str = "It broke.") -> None:
        """Record a report that a rule of time refused."""
        now, source = self.store.clock.now(), FeedbackSource.USER_REPORT_ENVELOPE
        refused = UserReportSubmitted(
            id=new_id(), occurred_at=now, received_at=now, project_id=1, organization_id=1,
            event_id=submission_id, source=source,
        )  # fmt: skip
        payload = {"event_id": submission_id, "name": "Ann", "email": "ann@example.com", "comments": words}
        await self.step(
            submission_id, SubmissionState.INVALID, "invalid", Reason.REPORT_EVENT_TOO_OLD,
            source=source, payload=payload, refused=refused,
        )  # fmt: skip


@pytest_asyncio.fixture
async def browser(store: Any, projects: None) -> AsyncIterator[Browser]:
    """An owner's browser."""
    app = create_app(store.settings, clock=store.clock)
    async with running(app) as client:
        yield Browser(client, app, store)
