"""What the gateway's tests share: an app on a real Valkey, a project, and a look at the streams."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from envelope_gateway.app import create_app
from envelope_gateway.settings import Settings
from hearback_contracts.config import KeyConfig, ProjectConfig, key_snapshot, project_snapshot
from hearback_contracts.events import MESSAGES, Message
from hearback_contracts.streams import STREAMS
from hearback_kit.snapshots import SnapshotStore
from hearback_kit.testing import ManualClock, running
from hearback_kit.valkey import connect
from redis.asyncio import Redis

PUBLIC_KEY = "0123456789abcdef0123456789abcdef"
OFF_KEY = "f" * 32
AUTH = f"Sentry sentry_key={PUBLIC_KEY}, sentry_version=7, sentry_client=test/1.0"
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

    def __init__(self, client: httpx.AsyncClient, redis: Redis, clock: ManualClock, blobs: Path) -> None:
        self.client = client
        self.redis = redis
        self.clock = clock
        self.blobs = blobs

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

    def blob_files(self) -> list[Path]:
        """Every file in the blob store."""
        return sorted(path for path in self.blobs.rglob("*") if path.is_file())

    async def configure(self, **changes: Any) -> None:
        """Publish the project's configuration anew."""
        await publish_project(self.redis, **changes)


async def publish_project(redis: Redis, **changes: Any) -> None:
    """Publish project 1 with an active and an inactive key."""
    fields: dict[str, Any] = {
        "id": 1,
        "slug": "web",
        "name": "Web",
        "organization_id": 7,
        "organization_slug": "demo",
        "keys": (
            KeyConfig(id=11, public=PUBLIC_KEY),
            KeyConfig(id=12, public=OFF_KEY, is_active=False),
        ),
    } | changes
    config = ProjectConfig(**fields)
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
        clock = ManualClock()
        given: dict[str, Any] = {
            "redis_url": redis_url,
            "blob_url": f"file://{blobs}",
            "data_dir": tmp_path / "data",
            "stream_shards": SHARDS,
        } | settings
        async with running(create_app(Settings(**given), clock=clock)) as client:
            yield Gateway(client, redis, clock, blobs)

    return start


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> AsyncIterator[Gateway]:
    """A gateway with the default settings."""
    async with start_gateway() as started:
        yield started


@pytest.fixture
def publish() -> Callable[[str], Any]:
    """Publish the project on any Valkey."""

    async def publish_on(url: str) -> None:
        client = connect(url)
        await publish_project(client)
        await client.aclose()

    return publish_on
