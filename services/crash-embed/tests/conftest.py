"""A running crash-embed with a project, and a look into the streams it writes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from crash_embed.app import create_app
from crash_embed.settings import Settings
from hearback_contracts.streams import OUTCOME_RECORDED, USER_REPORT_SUBMITTED, Stream
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import ManualClock, running
from redis.asyncio import Redis


@pytest.fixture
def clock() -> ManualClock:
    """The service's clock."""
    return ManualClock()


@pytest.fixture
def settings(redis_url: str) -> Settings:
    """Settings on the session's Valkey."""
    return Settings(redis_url=redis_url)


@pytest_asyncio.fixture
async def embed(settings: Settings, clock: ManualClock, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    """A client to a running service that knows project 1."""
    await publish_project(redis)
    async with running(create_app(settings, clock=clock)) as client:
        yield client


@pytest.fixture
def serving(redis_url: str, redis: Redis, clock: ManualClock) -> Any:
    """Yield a client to a service with other settings, which knows project 1."""

    @asynccontextmanager
    async def serve(project: Mapping[str, Any] | None = None, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        await publish_project(redis, **(project or {}))
        async with running(create_app(Settings(**{"redis_url": redis_url, **settings}), clock=clock)) as client:
            yield client

    return serve


@pytest.fixture
def published(redis: Redis) -> Callable[[Stream], Awaitable[list[tuple[dict[str, Any], dict[str, Any] | None]]]]:
    """Read a stream: per entry the message and its body."""

    async def read(stream: Stream) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
        found = []
        for key in stream.shard_keys(4):
            for _, fields in await redis.xrange(key):
                body = fields.get(b"b")
                found.append((orjson.loads(fields[b"d"]), orjson.loads(body) if body else None))
        return found

    return read


@pytest.fixture
def reports(published: Any) -> Callable[[], Awaitable[list[tuple[dict[str, Any], dict[str, Any]]]]]:
    """The reports that were published."""
    return lambda: published(USER_REPORT_SUBMITTED)


@pytest.fixture
def outcomes(published: Any) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """The outcome messages that were published."""

    async def read() -> list[dict[str, Any]]:
        return [message for message, _ in await published(OUTCOME_RECORDED)]

    return read
