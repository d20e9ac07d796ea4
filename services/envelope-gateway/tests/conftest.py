"""What the gateway's tests share: an app on a real Valkey, a project, and a look at the streams."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from envelope_gateway.api.application import GatewayApp
from envelope_gateway.app import create_app
from envelope_gateway.settings import Settings
from hearback_contracts.catalog import MESSAGES
from hearback_contracts.config import KeyConfig, ProjectConfig, key_snapshot, project_snapshot
from hearback_contracts.events import Message
from hearback_contracts.streams import STREAMS
from hearback_devkit.engines import ValkeyEngine
from hearback_devkit.testing import ManualClock, eventually_sync, free_port, served
from hearback_devkit.testing.forks import shared_forks
from hearback_kit.snapshots import SnapshotStore
from hearback_kit.valkey import connect
from hearback_kit.values.ids import random_id
from redis.asyncio import Redis

from .data.envelopes import KEY, OFF_KEY

AUTH = f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=test/1.0"
SHARDS = 2
_MODELS = {model.TYPE: model for model in MESSAGES}


@dataclass
class Entry:
    """A stream entry, validated against its contract with no field that the contract does not have."""

    type: str
    message: Any
    data: dict[str, Any]
    body: bytes | None
    traceparent: str | None


def validate(kind: str, data: bytes) -> Message:
    """Validate a produced message strictly: unknown fields are a producer's mistake."""
    model = _MODELS[kind]
    known = set(model.model_fields)
    assert set(msgspec.json.decode(data)) <= known, set(msgspec.json.decode(data)) - known
    return model.model_validate_json(data)


class Gateway:
    """A running gateway with its client, clock, streams and blobs."""

    def __init__(
        self, app: GatewayApp, client: httpx.AsyncClient, redis: Redis, clock: ManualClock, blobs: Path
    ) -> None:
        self.app: Any = app
        self.client = client
        self.redis = redis
        self.clock = clock
        self.blobs = blobs

    @property
    def url(self) -> str:
        """Where it is served."""
        return str(self.client.base_url).rstrip("/")

    async def send(self, body: bytes, path: str = "/api/1/envelope/", **headers: str) -> httpx.Response:
        """POST a body, authenticated unless a header says otherwise."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given.setdefault("x-sentry-auth", AUTH)
        return await self.client.post(path, content=body, headers=given)

    async def entries(self, name: str = "") -> list[Entry]:
        """Every entry of one stream, or of all, over all shards."""
        found = []
        for stream in STREAMS:
            if name and stream.name != name:
                continue
            for key in stream.shard_keys(SHARDS):
                for _, fields in await self.redis.xrange(key):
                    kind = fields[b"t"].decode()
                    assert kind == stream.name
                    trace = fields.get(b"p")
                    found.append(
                        Entry(
                            kind,
                            validate(kind, fields[b"d"]),
                            msgspec.json.decode(fields[b"d"]),
                            fields.get(b"b"),
                            trace.decode() if trace else None,
                        )
                    )
        return found

    async def kinds(self) -> list[str]:
        """The types of all entries but outcomes, sorted."""
        return sorted(entry.type for entry in await self.entries() if entry.type != "outcome.recorded")

    async def outcomes(self) -> dict[tuple[int, int, str | None], int]:
        """Recorded quantities by category, outcome and reason."""
        totals: dict[tuple[int, int, str | None], int] = {}
        for entry in await self.entries("outcome.recorded"):
            for count in entry.message.outcomes:
                key = (count.category, count.outcome, count.reason)
                totals[key] = totals.get(key, 0) + count.quantity
        return totals

    async def steps(self) -> list[tuple[str, str, str | None]]:
        """Recorded steps as id, state and reason."""
        return [
            (step.submission_id, step.state.value, step.reason)
            for entry in await self.entries("outcome.recorded")
            for step in entry.message.steps
        ]

    async def attachments(self) -> list[Any]:
        """Messages about stored attachments."""
        return [entry.message for entry in await self.entries("attachment.stored")]

    async def empty(self) -> None:
        """Delete every entry of every stream."""
        for stream in STREAMS:
            await self.redis.delete(*stream.shard_keys(SHARDS))

    def blob_files(self) -> list[Path]:
        """Every file in the blob store."""
        return sorted(path for path in self.blobs.rglob("*") if path.is_file())

    async def configure(self, **changes: Any) -> None:
        """Publish the project's configuration again."""
        await publish_project(self.redis, **changes)


def project_config(**changes: Any) -> ProjectConfig:
    """Project 1 with an active and an inactive key."""
    keys = (KeyConfig(id=11, public=KEY), KeyConfig(id=12, public=OFF_KEY, is_active=False))
    fields = {
        "id": 1,
        "slug": "web",
        "name": "Web",
        "organization_id": 7,
        "organization_slug": "demo",
        "keys": keys,
    }
    return ProjectConfig(**{**fields, **changes})


async def publish_project(redis: Redis, **changes: Any) -> None:
    """Publish project 1."""
    config = project_config(**changes)
    values: dict[str, bytes | None] = {project_snapshot(config.id): config.model_dump_json().encode()}
    for key in config.keys:
        values[key_snapshot(key.public)] = str(config.id).encode()
    await SnapshotStore(redis).publish(values)


StartGateway = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture
def start_gateway(redis_url: str, redis: Redis, tmp_path: Path) -> StartGateway:
    """Start gateways with settings of one's own."""

    @asynccontextmanager
    async def start(**settings: Any) -> AsyncIterator[Gateway]:
        await publish_project(redis, **settings.pop("project", {}))
        blobs = tmp_path / "blobs"
        clock = settings.pop("clock", None) or ManualClock()
        given: dict[str, Any] = {
            "redis_url": redis_url,
            "blob_url": f"file://{blobs}",
            "data_dir": tmp_path / "data",
            "stream_shards": SHARDS,
        } | settings
        app = create_app(Settings(**given), clock=clock)
        async with (
            served(app) as url,
            httpx.AsyncClient(base_url=url, timeout=30) as client,
        ):
            yield Gateway(app, client, redis, clock, blobs)

    return start


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> AsyncIterator[Gateway]:
    """A gateway with the default settings."""
    async with start_gateway() as started:
        yield started


class Process:
    """A gateway in a process of its own."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self.status_at_end = 0

    def kill(self) -> None:
        """End it without warning."""
        self.status_at_end = -signal.SIGKILL
        os.kill(self.pid, signal.SIGKILL)

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def peak_bytes(self) -> int:
        """The most memory that it ever had, mapped files included."""
        status = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024


ServeGateway = Callable[..., AbstractContextManager[Process]]


@pytest.fixture
def serve_gateway(redis_url: str, tmp_path: Path) -> ServeGateway:
    """Start gateways in processes of their own."""

    @contextmanager
    def serve(blob_url: str = "", **settings: object) -> Iterator[Process]:
        port = free_port()
        environment = {
            "HEARBACK_REDIS_URL": str(settings.pop("redis_url", redis_url)),
            "HEARBACK_BLOB_URL": blob_url or f"file://{tmp_path}/blobs",
            "HEARBACK_DATA_DIR": str(tmp_path),
            "HEARBACK_STREAM_SHARDS": str(SHARDS),
            "ENVELOPE_GATEWAY_PORT": str(port),
            **{f"ENVELOPE_GATEWAY_{name.upper()}": str(value) for name, value in settings.items()},
        }
        pid = shared_forks().start("envelope_gateway.__main__:main", "serve", environment=environment)
        found = Process(f"http://127.0.0.1:{port}", pid)
        try:
            eventually_sync(found.is_ready, seconds=30)
            yield found
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            assert shared_forks().wait(pid) == found.status_at_end

    return serve


@pytest.fixture
def engine(engine_folder: Path) -> Iterator[ValkeyEngine]:
    """A Valkey of the test's own, which keeps what it has when it is stopped."""
    own = ValkeyEngine(engine_folder / f"own-{random_id()}", appendfsync="always")
    own.start()
    yield own
    own.stop()


@pytest.fixture
def publish() -> Callable[[str], Any]:
    """Publish the project on any Valkey."""

    async def publish_on(url: str) -> None:
        client = connect(url)
        await publish_project(client)
        await client.aclose()

    return publish_on
