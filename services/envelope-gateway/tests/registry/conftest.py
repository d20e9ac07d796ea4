"""A registry on real engines, with the organization `demo`, its project `web` and an owner."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from hearback_devkit.fleet import following
from hearback_devkit.testing import ManualClock, running
from hearback_devkit.testing.databases import statements_of_rows
from hearback_fleet.configuration import Configuration
from hearback_kit.db import Database
from hearback_kit.http import ServiceClient
from hearback_kit.snapshots import PREFIX, SnapshotStore
from registry.app import create_app, create_worker
from registry.settings import Settings

MIGRATIONS = "registry.store.migrations"
SECRET = "a secret for tests, long enough to be one"
NEW_HASHER: Any = PasswordHasher.__init__


@dataclass
class Client:
    """What tests talk to."""

    http: httpx.AsyncClient
    settings: Settings
    clock: ManualClock
    service: ServiceClient
    app: Any
    demo: dict[str, Any] = field(default_factory=dict)

    async def bootstrap(self, organization: str, project: str) -> dict[str, Any]:
        body = orjson.dumps({"organization": organization, "project": project})
        answer = await self.service.request("POST", "/internal/bootstrap", body=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def headers(self, token: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {token or self.demo['token']}"}

    async def call(
        self, method: str, path: str, json: Any = None, *, token: str | None = None, status: int = 200
    ) -> Any:
        """The JSON of an answer that must have a status; as the owner of `demo` unless a token is given."""
        arguments: dict[str, Any] = {} if json is None else {"json": json}
        answer = await self.http.request(method, f"/api/0{path}", headers=self.headers(token), **arguments)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def join(self, email: str, role: str = "member", *, organization: str = "demo", **more: Any) -> Any:
        """Invite a person and accept in its name: the member, with the `password` that was set."""
        invited = await self.post(
            f"/organizations/{organization}/members/", {"email": email, "role": role}, status=201, **more
        )
        password = f"password of {email}"
        return await self.accept(invited["invite_link"], password) | {"password": password}

    async def accept(self, link: str, password: str, *, status: int = 200) -> Any:
        """Accept an invitation, as a browser that keeps nothing."""
        path = link.partition("/accept/")[2]
        answer = await self.http.post(f"/api/0/accept-invite/{path}", json={"password": password})
        self.http.cookies.clear()
        assert answer.status_code == status, answer.text
        return answer.json()

    async def sign_in(self, email: str = "", password: str = "") -> dict[str, str]:
        """Begin a browser's session, of the owner of `demo` unless an account is given; the headers to send."""
        email, password = email or self.demo["admin_email"], password or self.demo["admin_password"]
        answer = await self.http.post("/api/0/auth/login/", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        self.http.cookies.clear()
        return {"Cookie": f"hearback_session={answer.cookies['hearback_session']}"}

    async def get(self, path: str, **more: Any) -> Any:
        return await self.call("GET", path, **more)

    async def put(self, path: str, json: Any, **more: Any) -> Any:
        return await self.call("PUT", path, json, **more)

    async def post(self, path: str, json: Any = None, **more: Any) -> Any:
        return await self.call("POST", path, {} if json is None else json, **more)

    async def delete(self, path: str, *, status: int = 204, **more: Any) -> Any:
        return await self.call("DELETE", path, status=status, **more)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords with little work: those of tests need none, and most tests set one."""
    with pytest.MonkeyPatch.context() as patch:
        costs = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
        patch.setattr(PasswordHasher, "__init__", lambda self, **_: NEW_HASHER(self, **costs))
        yield


@pytest_asyncio.fixture
async def settings(make_database: Callable[[str], Awaitable[str]], redis_url: str, tmp_path: Path) -> Settings:
    return Settings(
        service_database_url=await make_database(MIGRATIONS),
        redis_url=redis_url,
        secret_key=SECRET,
        public_url="https://feedback.example.org",
        publish_seconds=0.1,
        data_dir=tmp_path,
    )


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Client]:
    clock = ManualClock()
    app = create_app(settings, clock=clock)
    async with running(app, base_url="https://feedback.example.org") as http:
        service = ServiceClient(
            "https://registry",
            service="launcher",
            secret=settings.secret_key.get_secret_value(),
            transport=httpx.ASGITransport(app=app),
        )
        yield Client(http, settings, clock, service, app)
        await service.close()


@asynccontextmanager
async def _working(settings: Settings, clock: ManualClock | None = None) -> AsyncIterator[None]:
    worker = create_worker(settings, clock=clock)
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


@pytest.fixture
def working() -> Callable[..., AbstractAsyncContextManager[None]]:
    """Run the registry's worker beside a block."""
    return _working


class Demo:
    """The organization `demo`: bootstrapped for the first test of a session, and copied for the others."""

    def __init__(self) -> None:
        self._answer: dict[str, Any] = {}
        self._rows = ""
        self._snapshots: dict[str, bytes | None] = {}

    async def begin(self, client: Client, redis: Any) -> dict[str, Any]:
        """Bring it into an empty registry; what its bootstrap answered."""
        async with client.app.state.state.database.direct() as connection:
            if self._answer:
                await connection.execute(self._rows)
                await SnapshotStore(redis).publish(self._snapshots)
            else:
                self._answer = await client.bootstrap("demo", "web")
                self._rows = await statements_of_rows(connection)
                keys = await redis.keys(f"{PREFIX}*")
                names = [key.decode().removeprefix(PREFIX) for key in keys]
                self._snapshots = dict(zip(names, await redis.mget(keys), strict=True))
        return self._answer.copy()


@pytest.fixture(scope="session")
def demo() -> Demo:
    return Demo()


OpenRegistry = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def open_registry(settings: Settings, redis: Any, demo: Demo) -> OpenRegistry:
    """Start a registry with the organization `demo` and with other settings."""
    before: list[Client] = []

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[Client]:
        async with _open(settings.model_copy(update=changes)) as client:
            client.demo = await (client.bootstrap("demo", "web") if before else demo.begin(client, redis))
            before.append(client)
            yield client

    return opened


@pytest_asyncio.fixture
async def registry(open_registry: OpenRegistry) -> AsyncIterator[Client]:
    async with open_registry() as client:
        yield client


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The registry's database."""
    found = Database(settings.database_url)
    yield found
    await found.close()


@pytest_asyncio.fixture
async def other(registry: Client) -> dict[str, Any]:
    """Another tenant."""
    return await registry.bootstrap("other", "app")


@pytest_asyncio.fixture
async def configuration(redis_url: str) -> AsyncIterator[Configuration]:
    """The configuration as every other service follows it."""
    async with following(redis_url) as found:
        yield found
