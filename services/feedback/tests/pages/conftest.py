"""The pages in a running app, and browsers of httpx with a session."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest_asyncio
from hearback_contracts.roles import SCOPES
from hearback_devkit.fleet import publish_project, signed_in
from hearback_kit.auth import SESSION_COOKIE

from ..conftest import MEMBERS, Api

INBOX = "/organizations/demo/feedback/"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass
class Browser:
    """Someone's browser without JavaScript."""

    client: httpx.AsyncClient

    async def get(self, path: str = INBOX, status: int = 200, **params: Any) -> str:
        """The page of a path; asserts its status."""
        response = await self.client.get(path, params=params or None)
        assert response.status_code == status, (response.status_code, response.text[:2_000])
        return response.text

    async def token(self, path: str = INBOX, **params: Any) -> str:
        """The token of a page's forms."""
        found = _TOKEN.search(await self.get(path, **params))
        assert found is not None
        return found[1]

    async def post(self, form: str, /, status: int = 303, **fields: Any) -> httpx.Response:
        """Send a form with a right token to `change/` or `undo/`."""
        if "csrf_token" not in fields:
            fields["csrf_token"] = await self.token(mailbox="all")
        response = await self.client.post(f"{INBOX}{form}/", data=fields)
        assert response.status_code == status, (response.status_code, response.text[:2_000])
        return response

    async def change(self, action: str, *ids: str, **fields: Any) -> str:
        """Change feedback and return the page that follows."""
        response = await self.post("change", action=action, id=list(ids), **fields)
        return await self.get(response.headers["location"])

    async def undo(self, page: str) -> str:
        """Press the Undo button of a page's notice; return the page that follows."""
        toast = page[page.index('id="toasts"') :]
        form = re.search(r'<form method="post" action="([^"]+)">(.*?)</form>', toast, re.DOTALL)
        assert form is not None, "there is nothing to undo"
        fields: dict[str, list[str]] = {}
        for name, value in _HIDDEN.findall(form[2]):
            fields.setdefault(name, []).append(html.unescape(value))
        response = await self.client.post(html.unescape(form[1]), data=fields)
        assert response.status_code == 303, response.text[:2_000]
        return await self.get(response.headers["location"])


def visitor(api: Api, **caller: Any) -> Browser:
    """A browser that is signed in: as the owner of organization 1, or as `caller` says."""
    signed_in(api.app)  # so that the app knows invented callers
    session = api.app.state.callers.add("session", scopes=caller.pop("scopes", SCOPES), **caller)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=api.app), base_url="http://testserver", cookies={SESSION_COOKIE: session}
    )
    return Browser(client)


@pytest_asyncio.fixture
async def browser(api: Api) -> AsyncIterator[Browser]:
    """The owner's browser."""
    found = visitor(api)
    async with found.client:
        yield found


@pytest_asyncio.fixture
async def other_organization(redis: Any) -> None:
    """A second organization, with a project of its own."""
    await publish_project(redis, project_id=2, organization_id=2, members=MEMBERS)


def shown(page: str) -> list[str]:
    """The messages of a page's list, in its order."""
    found = re.findall(r'<a class="list-title fb-row-text"[^>]*>(.*?)</a>', page, re.DOTALL)
    return [html.unescape(text) for text in found]


def parameters(url: str) -> dict[str, list[str]]:
    """The parameters of an address."""
    return parse_qs(urlsplit(html.unescape(url)).query)
