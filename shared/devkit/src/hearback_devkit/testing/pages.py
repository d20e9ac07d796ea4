"""A browser without scripts for the pages of a running app."""

from typing import Any, Final

import httpx

from hearback_devkit.fleet import with_session

READS: Final = ("org:read", "project:read", "event:read")
"""The scopes of a viewer."""


class PageBrowser:
    """A signed-in browser; by default of an owner of organization 1."""

    def __init__(self, client: httpx.AsyncClient, app: Any) -> None:
        self.client = client
        self.app = app
        self.sign_in()

    def sign_in(self, **options: Any) -> None:
        """Sign in; `options` are those of `with_session`."""
        self.client.cookies.clear()
        self.client.cookies.update(with_session(self.app, **options))

    async def page(self, path: str, status: int = 200, **params: Any) -> str:
        """Load a page and return its HTML. Raises AssertionError for another status."""
        answer = await self.client.get(path, params=params or None)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        return answer.text

    async def post(
        self, path: str, *, token: str | None = None, page: str | None = None, **fields: str
    ) -> httpx.Response:
        """Send a form with the CSRF token of its page (by default `path`), or another."""
        if token is None:
            token = (await self.page(page or path)).partition('"X-CSRF-Token": "')[2].partition('"')[0]
        return await self.client.post(path, data={"csrf_token": token, **fields})
