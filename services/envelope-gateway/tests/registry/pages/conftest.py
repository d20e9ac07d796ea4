"""People with browsers, before a registry."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from ..conftest import Client

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Browser:
    """A browser of its own: cookies, and forms that are sent as its pages have them."""

    http: httpx.AsyncClient

    async def get(self, path: str, *, status: int = 200, **more: Any) -> httpx.Response:
        answer = await self.http.get(path, **more)
        assert answer.status_code == status, (answer.status_code, answer.headers, answer.text[:2_000])
        return answer

    async def submit(
        self, path: str, fields: dict[str, Any] | None = None, *, page: str | None = None, status: int = 303
    ) -> httpx.Response:
        """Open a page, and send one of its forms."""
        found = _TOKEN.search((await self.http.get(page or path)).text)
        token = found[1] if found else ""
        answer = await self.http.post(path, data={"csrf_token": token, **(fields or {})})
        assert answer.status_code == status, (answer.status_code, answer.headers, answer.text[:2_000])
        return answer

    async def sign_in(self, email: str, password: str) -> None:
        await self.submit("/auth/login/", {"email": email, "password": password})

    async def flash(self, path: str) -> str:
        """What a page says that was just done."""
        found = re.search(r'<div class="toast[^>]*>\s*<p>(.*?)</p>', (await self.get(path)).text, re.S)
        return found[1] if found else ""


@pytest_asyncio.fixture
async def new_browser(registry: Client) -> Any:
    """Open browsers."""
    opened: list[httpx.AsyncClient] = []

    def new() -> Browser:
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=registry.app), base_url=registry.settings.public_url
        )
        opened.append(http)
        return Browser(http)

    yield new
    for http in opened:
        await http.aclose()


Member = Callable[..., Awaitable[Browser]]


@pytest.fixture
def member(registry: Client, new_browser: Callable[[], Browser]) -> Member:
    """Return the browser of a new member with a role, who is signed in."""

    async def join(role: str, email: str | None = None) -> Browser:
        joined = await registry.join(email or f"{role}@example.org", role)
        browser = new_browser()
        await browser.sign_in(joined["email"], joined["password"])
        return browser

    return join


@pytest_asyncio.fixture
async def owner(registry: Client, new_browser: Callable[[], Browser]) -> Browser:
    browser = new_browser()
    await browser.sign_in(registry.demo["admin_email"], registry.demo["admin_password"])
    return browser
