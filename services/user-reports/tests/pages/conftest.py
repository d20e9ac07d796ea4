"""The pages in a browser of httpx: an owner's, a viewer's, a stranger's."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hearback_devkit.fleet import with_session
from hearback_devkit.testing import running
from hearback_kit.errors import Unavailable
from pydantic import SecretStr
from user_reports.app import create_app
from user_reports.settings import Settings

READS = ("org:read", "project:read", "event:read")


class LinkedFeedback:
    """The feedback service as these pages ask it; `answer` None: it does not answer."""

    def __init__(self) -> None:
        self.answer: list[dict[str, Any]] | None = []
        self.asked: list[tuple[int, int, list[str]]] = []

    async def list_linked(self, organization_id: int, project_id: int, event_ids: Any) -> list[dict[str, Any]]:
        self.asked.append((organization_id, project_id, list(event_ids)))
        if self.answer is None:
            raise Unavailable
        return self.answer


class Browser:
    """A browser, signed in as somebody."""

    def __init__(self, client: httpx.AsyncClient, app: Any) -> None:
        self.client = client
        self.app = app
        self.sign_in()

    def sign_in(self, **options: Any) -> None:
        """Sign in; by default as an owner of organization 1."""
        self.client.cookies.clear()
        self.client.cookies.update(with_session(self.app, **options))

    async def page(self, path: str, status: int = 200, **params: Any) -> str:
        """Open a page and return its HTML."""
        answer = await self.client.get(path, params=params or None)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        return answer.text

    async def post(self, path: str, *, token: str | None = None, **fields: str) -> httpx.Response:
        """Send a form with the token of the page it stands on, or another."""
        if token is None:
            token = (await self.page(path)).partition('"X-CSRF-Token": "')[2].partition('"')[0]
        return await self.client.post(path, data={"csrf_token": token, **fields})


@pytest.fixture
def settings(harness: Any, redis_url: str) -> Settings:
    return Settings(
        service_database_url=SecretStr(harness.url),
        redis_url=SecretStr(redis_url),
        public_url="http://test",
    )


@pytest.fixture
def linked() -> LinkedFeedback:
    return LinkedFeedback()


@pytest_asyncio.fixture
async def browser(harness: Any, settings: Settings, linked: LinkedFeedback) -> AsyncIterator[Browser]:
    """An owner's browser; the feedback service is `linked`."""
    app = create_app(settings, clock=harness.clock)
    async with running(app) as client:
        app.state.state = replace(app.state.state, feedback=linked)
        yield Browser(client, app)
