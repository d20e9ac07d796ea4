"""The pages in a browser of httpx: an owner's, a viewer's, a stranger's."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from hearback_devkit.testing import running
from hearback_devkit.testing.pages import PageBrowser
from hearback_kit.errors import Unavailable
from user_reports.app import create_app
from user_reports.settings import Settings


class LinkedFeedback:
    """The feedback service as these pages ask it; `answer` None: it does not answer."""

    def __init__(self) -> None:
        self.answer: list[dict[str, Any]] | None = []
        self.asked: list[tuple[int, int, list[str]]] = []
        self.events: dict[tuple[int | None, str], dict[str, Any]] = {}

    async def find_event(
        self, organization_id: int, event_id: str, project_id: int | None = None
    ) -> dict[str, Any] | None:
        return self.events.get((project_id, event_id))

    async def list_linked(self, organization_id: int, project_id: int, event_ids: Any) -> list[dict[str, Any]]:
        self.asked.append((organization_id, project_id, list(event_ids)))
        if self.answer is None:
            raise Unavailable
        return self.answer


@pytest.fixture
def settings(harness: Any, redis_url: str) -> Settings:
    return harness.settings(redis_url, public_url="http://test")


@pytest.fixture
def linked() -> LinkedFeedback:
    return LinkedFeedback()


@pytest_asyncio.fixture
async def browser(harness: Any, settings: Settings, linked: LinkedFeedback) -> AsyncIterator[PageBrowser]:
    """An owner's browser; the feedback service is `linked`."""
    app = create_app(settings, clock=harness.clock)
    async with running(app) as client:
        app.state.state = replace(app.state.state, feedback=linked)
        yield PageBrowser(client, app)
