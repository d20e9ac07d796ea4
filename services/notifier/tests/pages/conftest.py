"""A browser of people with sessions, on the running app."""

import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hearback_devkit.testing.pages import READS
from hearback_kit.auth import SESSION_COOKIE

from ..conftest import Api

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Person:
    """A person's browser at the project's settings."""

    client: httpx.AsyncClient
    session: str
    base: str = "/settings/demo/projects/web/"

    async def get(self, path: str, status: int = 200, **options: Any) -> str:
        answer = await self._send("GET", path, **options)
        assert answer.status_code == status, answer.text
        return answer.text

    async def post(self, path: str, status: int = 303, *, page: str = "alerts/", **fields: Any) -> httpx.Response:
        """Submit a form with the token of a page that the person has seen."""
        token = TOKEN.search(await self.get(page))
        assert token is not None, "the page has no form"
        return await self.send(path, {"csrf_token": token[1], **fields}, status)

    async def send(self, path: str, fields: dict[str, Any], status: int = 303) -> httpx.Response:
        """Submit a form as it is."""
        answer = await self._send("POST", path, data=fields)
        assert answer.status_code == status, answer.text
        return answer

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        url = path if path.startswith("/") else self.base + path
        headers = {"Cookie": f"{SESSION_COOKIE}={self.session}", "Sec-Fetch-Site": "same-origin"}
        headers |= options.pop("headers", {})
        return await self.client.request(method, url, headers=headers, **options)


@pytest.fixture
def owner(api: Api) -> Person:
    api.client.headers.pop("Authorization", None)
    return Person(api.client, api.app.state.callers.add("session"))


@pytest.fixture
def viewer(api: Api) -> Person:
    api.client.headers.pop("Authorization", None)
    return Person(api.client, api.app.state.callers.add("session", tenants={1: "viewer"}, scopes=READS))
