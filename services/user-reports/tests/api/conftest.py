"""The HTTP app on the harness's database, and callers of two tenants."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hearback_devkit.fleet import signed_in
from hearback_devkit.testing import running
from pydantic import SecretStr
from user_reports.app import create_app
from user_reports.settings import Settings

SECRET = "a secret for tests, long enough to be one"


class Api:
    """A client, and the credentials of an owner of organization 1, one of organization 2, and a reader."""

    def __init__(self, client: httpx.AsyncClient, app: Any) -> None:
        self.client = client
        self.app = app
        self.owner = signed_in(app)
        self.stranger = signed_in(app, tenants={2: "owner"})
        self.reader = signed_in(app, scopes=("project:read", "event:read"))
        self.denied = signed_in(app, tenants={4: "owner"})

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """GET as the owner, unless headers say otherwise."""
        return await self.client.get(path, headers=more.pop("headers", self.owner), **more)

    async def post(self, path: str, **more: Any) -> httpx.Response:
        """POST as the owner, unless headers say otherwise."""
        return await self.client.post(path, headers=more.pop("headers", self.owner), **more)


@pytest.fixture
def settings(request: pytest.FixtureRequest, harness: Any, redis_url: str) -> Settings:
    """The app's settings; an indirect parameter has more of them."""
    more = {
        "secret_key": SecretStr(SECRET),
        "public_url": "https://hearback.test",
        **getattr(request, "param", {}),
    }
    return harness.settings(redis_url, organizations_denied="denied, other", **more)


@pytest_asyncio.fixture
async def api(harness: Any, settings: Settings) -> AsyncIterator[Api]:
    """The running app."""
    app = create_app(settings, clock=harness.clock)
    async with running(app) as client:
        yield Api(client, app)
