"""The dialog in a real Chromium: the page on one origin, crash-embed on another, a real Valkey behind it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
import pytest_asyncio
from crash_embed.app import create_app
from crash_embed.settings import Settings
from hearback_devkit.fleet import public_key, publish_project
from hearback_devkit.testing import FaultProxy, served
from playwright.async_api import Browser, Error, Page
from playwright.async_api import Request as PageRequest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

EVENT_ID = "0123456789abcdef0123456789abcdef"
LOADER = """
function show(more) {
  var script = document.createElement('script');
  script.async = true;
  script.crossOrigin = 'anonymous';
  script.src = %s + '&' + new URLSearchParams(more || {});
  script.onload = function () { window.loaded = (window.loaded || 0) + 1; };
  document.head.appendChild(script);
}
window.addEventListener('message', function (event) {
  if (event.data === '__sentry_reportdialog_closed__') window.closed_ = (window.closed_ || 0) + 1;
});
"""


def port_of(url: str) -> int:
    """Return the port that a URL names."""
    port = urlsplit(url).port
    assert port is not None
    return port


@dataclass
class Host:
    """A site with pages of its own that shows the dialog."""

    port: int
    api_port: int
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The site's origin."""
        return f"http://localhost:{self.port}"

    @property
    def script_url(self) -> str:
        """The dialog's address, as an SDK makes it."""
        dsn = f"http://{public_key(1)}@127.0.0.1:{self.api_port}/1"
        return f"http://127.0.0.1:{self.api_port}/api/embed/error-page/?dsn={quote(dsn)}&eventId={EVENT_ID}"

    def loader(self, base: str = "") -> str:
        """Script text that defines `show`, which loads the dialog from `base`."""
        own = f"http://127.0.0.1:{self.api_port}"
        return LOADER % repr(self.script_url.replace(own, base or own, 1))

    def add(self, html: str, path: str = "/", **headers: str) -> str:
        """Serve a page; `{loader}` in it becomes the loader. Returns its URL."""
        self.pages[path] = (html.replace("{loader}", self.loader()), headers)
        return self.url + path


@pytest_asyncio.fixture
async def proxy(redis_url: str, redis: Redis) -> AsyncIterator[FaultProxy]:
    """crash-embed behind a proxy that can fail."""
    await publish_project(redis)
    async with (
        served(create_app(Settings(redis_url=redis_url, public_url="http://errors.example"))) as url,
        FaultProxy("127.0.0.1", port_of(url)).run() as proxy,
    ):
        yield proxy


PLAIN = """<!doctype html><html lang="en"><head><title>Shop</title><script>{loader}</script></head>
<body><main><h1>Shop</h1><button id="before">Pay</button><p>Some text of the page.</p></main></body></html>"""


@pytest_asyncio.fixture
async def host(proxy: FaultProxy) -> AsyncIterator[Host]:
    """A site with a plain page at `/`."""

    async def page(request: Request) -> HTMLResponse:
        html, headers = site.pages.get(request.url.path, ("", {}))
        return HTMLResponse(html, headers=headers)

    app = Starlette(routes=[Route("/{path:path}", page)])
    async with served(app) as url:
        site = Host(port_of(url), proxy.port)
        site.add(PLAIN)
        yield site


@pytest_asyncio.fixture
async def prefixing(proxy: FaultProxy) -> AsyncIterator[str]:
    """The address of a proxy that serves crash-embed below a path and asks it by another host name."""

    async def forward(request: Request) -> Response:
        url = f"http://127.0.0.1:{proxy.port}/{request.path_params['path']}?{request.url.query}"
        headers = {name: value for name, value in request.headers.items() if name in {"content-type", "origin"}}
        answer = await client.request(
            request.method, url, content=await request.body(), headers=headers | {"host": "inner.invalid"}
        )
        kept = {"content-type", "access-control-allow-origin", "cross-origin-resource-policy"}
        shown = {name: value for name, value in answer.headers.items() if name in kept}
        return Response(answer.content, answer.status_code, shown)

    app = Starlette(routes=[Route("/hearback/{path:path}", forward, methods=["GET", "POST", "OPTIONS"])])
    async with httpx.AsyncClient() as client, served(app) as url:
        yield f"{url}/hearback"


OpenPage = Callable[..., Awaitable[Page]]
MEDIA = {
    "media": "null",
    "color_scheme": "light",
    "reduced_motion": "no-preference",
    "forced_colors": "null",
    "contrast": "null",
}
CLEAR_STORAGE = "() => { try { localStorage.clear(); sessionStorage.clear() } catch {} }"


@pytest_asyncio.fixture(scope="session")
async def shared_page(chromium: Browser) -> AsyncIterator[Page]:
    """The page of a window that one test after the other has: a new one takes longer than most tests."""
    context = await chromium.new_context()
    context.set_default_timeout(30_000)
    yield await context.new_page()
    await context.close()


@pytest.fixture
def posts() -> list[str]:
    """The addresses that the test's pages posted to."""
    return []


@pytest_asyncio.fixture
async def open_page(chromium: Browser, shared_page: Page, posts: list[str]) -> AsyncIterator[OpenPage]:
    """Open a URL in the shared window, or of another scale in one of its own; a page error fails the test.

    Tests add no listeners to the shared window: they would hear the tests that follow.
    """
    contexts = []
    problems: list[str] = []

    def note(error: Error) -> None:
        problems.append(str(error))

    def note_post(request: PageRequest) -> None:
        if request.method == "POST":
            posts.append(request.url)

    def listen(page: Page) -> None:
        page.on("pageerror", note)
        page.on("request", note_post)

    async def open_page(
        url: str, *, viewport: Any = None, device_scale_factor: int | None = None, **media: Any
    ) -> Page:
        page = shared_page
        if device_scale_factor:
            context = await chromium.new_context(device_scale_factor=device_scale_factor)
            context.set_default_timeout(30_000)
            contexts.append(context)
            page = await context.new_page()
            listen(page)
        await page.set_viewport_size(viewport or {"width": 1280, "height": 720})
        await page.emulate_media(**{**MEDIA, **media})
        await page.goto(url)
        return page

    listen(shared_page)
    yield open_page
    try:
        await shared_page.unroute_all()
        await shared_page.mouse.up()
        await shared_page.mouse.move(0, 0)
        await shared_page.evaluate(CLEAR_STORAGE)
        await shared_page.goto("about:blank")
        await shared_page.context.clear_cookies()
    finally:
        shared_page.remove_listener("pageerror", note)
        shared_page.remove_listener("request", note_post)
        for context in contexts:
            await context.close()
    assert not problems


@pytest.fixture
def dialog_page(host: Host, open_page: OpenPage) -> OpenPage:
    """Open the plain page, show the dialog, and wait until it stands."""

    async def open_dialog(more: dict[str, str] | None = None, url: str | None = None, **options: Any) -> Page:
        page = await open_page(url or host.url, **options)
        await page.evaluate("more => { document.getElementById('before')?.focus(); show(more) }", more or {})
        await page.locator(".sentry-error-embed").wait_for()
        return page

    return open_dialog
