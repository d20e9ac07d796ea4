"""Pages with released browser SDKs in a real Chromium: page and API on different origins."""

import json
import re
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page
from world import World, fill

HERE = Path(__file__).parent
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title></head>
<body><main><h1>Shop</h1><button id="pay">Pay</button></main>
<script src="/%s.js"></script><script src="/shop.js"></script></body></html>"""


def bundle(sdk: str) -> bytes:
    """An SDK from npm as one script that sets `window.SDK`."""
    source = f"import * as sdk from '{sdk}'; window.SDK = sdk.default && sdk.default.config ? sdk.default : sdk;"
    done = subprocess.run(
        [str(HERE / "node_modules" / ".bin" / "esbuild"), "--bundle", "--format=iife", "--log-level=warning"],
        input=source.encode(),
        capture_output=True,
        cwd=HERE,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode() + "\nRun `make test`, which installs the npm packages."
    return done.stdout


@pytest.fixture(scope="session")
def shop() -> Iterator[str]:
    """A site whose page `/<sdk>` has that SDK; its origin."""
    scripts: dict[str, bytes] = {"shop": (HERE / "shop.js").read_bytes()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = urlsplit(self.path).path.strip("/")
            if name.endswith(".js"):
                sdk = name.removesuffix(".js")
                body = scripts.get(sdk) or scripts.setdefault(sdk, bundle(sdk))
                self._answer(body, "text/javascript")
            else:
                self._answer((PAGE % name).encode(), "text/html")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class Gate:
    """A TCP proxy in front of the fleet; while it is down nothing passes and nothing stays open."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._changing = threading.Lock()  # no connection is half made while the gate falls
        self._is_down = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def fall(self) -> None:
        """Be down."""
        with self._changing:
            self._is_down = True
            for one in list(self._open):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def rise(self) -> None:
        """Be up again."""
        self._is_down = False

    def close(self) -> None:
        """Stop for good."""
        self.fall()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._changing:
                if self._is_down:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)
        source.close()


@pytest.fixture
def gate(fleet: Any) -> Iterator[Gate]:
    """The fleet behind a gate."""
    gate = Gate(urlsplit(fleet.url).port or 80)
    yield gate
    gate.close()


# An error page is an answer; and htmx logs a request that a newer one replaced.
EXPECTED = re.compile("status of 4|htmx:(?:afterRequest|sendAbort)")
OpenShop = Callable[..., Awaitable[Page]]


@asynccontextmanager
async def opening(browser: Browser, shop: str) -> AsyncIterator[OpenShop]:
    contexts = []
    problems: list[str] = []

    def note(error: Any) -> None:
        if "Checkout failed" not in str(error):
            problems.append(str(error))

    async def open_shop(sdk: str, dsn: str, **options: Any) -> Page:
        context = await browser.new_context()
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", note)
        await page.goto(f"{shop}/{sdk}")
        await page.evaluate(f"start({json.dumps(sdk)}, {json.dumps(dsn)}, {json.dumps(options)})")
        return page

    yield open_shop
    for context in contexts:
        await context.close()
    assert not problems


@pytest_asyncio.fixture
async def open_shop(chromium: Browser, shop: str) -> AsyncIterator[OpenShop]:
    """Open the page of an SDK and start the SDK; a page error other than the test's own fails the test."""
    async with opening(chromium, shop) as found:
        yield found


@pytest_asyncio.fixture
async def open_capturing_shop(capturing_chromium: Browser, shop: str) -> AsyncIterator[OpenShop]:
    """Open pages as `open_shop` does, which can capture their tab."""
    async with opening(capturing_chromium, shop) as found:
        yield found


@pytest.fixture(scope="session")
def world(fleet: Any, wait_until: Any) -> World:
    """Two organizations of one fleet; the tests of all pages share them and change nothing there."""
    full, other = fleet.new_project("full"), fleet.new_project("other")
    world = World(fleet, full, other, wait_until)
    fill(world)
    return world


@pytest.fixture(scope="session")
def sessions(world: World) -> dict[str, str]:
    """A session of each kind of person; `stranger` owns another organization."""
    return {
        "owner": world.owner(world.full),
        "viewer": world.add_person("viewer", world.full.organization),
        "member": world.add_person("member", world.full.organization),
        "stranger": world.owner(world.other),
    }


@pytest_asyncio.fixture
async def open_as(
    chromium: Browser, world: World, sessions: dict[str, str]
) -> AsyncIterator[Callable[..., Awaitable[Page]]]:
    """Open a browser of a person; what a script, the policy or a page complains of is a problem of the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    async def open_as(who: str, **options: Any) -> Page:
        context = await chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(30_000)
        if who in sessions:
            cookie = {"name": "hearback_session", "value": sessions[who], "url": world.fleet.url}
            await context.add_cookies([cookie])  # type: ignore[list-item]
        page = await context.new_page()

        def note(kind: str, what: object) -> None:
            problems.append(f"{kind} on {page.url}: {what}")

        async def dismiss(dialog: Any) -> None:
            note("dialog", dialog.message)
            await dialog.dismiss()

        page.on("dialog", dismiss)
        page.on("pageerror", lambda error: note("error", error))
        page.on(
            "console",
            lambda message: (
                note("console", message.text)
                if message.type == "error" and not EXPECTED.search(message.text)
                else None
            ),
        )
        ours = (world.fleet.url, "data:", "blob:")
        page.on("request", lambda one: None if one.url.startswith(ours) else note("request", one.url))
        return page

    yield open_as
    for context in contexts:
        await context.close()
    assert problems == []
