"""Live updates: who is shown what, limits, heartbeats, and the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from feedback.app import create_app
from hearback_contracts.events import AttachmentStored
from hearback_contracts.flags import Feature
from hearback_contracts.streams import ATTACHMENT_STORED
from hearback_devkit.fleet import publish_project, signed_in
from hearback_devkit.testing import FaultProxy, eventually, served
from hearback_fleet.messages import outgoing
from hearback_kit.bus import RedisStreams
from hearback_kit.values.ids import new_id
from pydantic import SecretStr

from ..conftest import NOW, Api, Intake, as_incoming, payload, submitted

LIVE = "/organizations/demo/feedback/live/"


@pytest_asyncio.fixture
async def intake(intake: Intake, redis: Any) -> AsyncIterator[Intake]:
    """The usual intake, with a second organization."""
    await publish_project(redis, project_id=2, organization_id=2)
    yield intake


@asynccontextmanager
async def serving(intake: Intake, **settings: Any) -> AsyncIterator[Api]:
    """The app on a port, with a client that waits for streams."""
    intake = intake.changed(**settings)
    app = create_app(intake.settings, clock=intake.clock)
    async with served(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        client.headers.update(signed_in(app, tenants={1: "owner", 2: "owner"}))
        yield Api(client, app, intake)


class Stream:
    """An open event stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.lines = response.aiter_lines()

    async def event(self) -> tuple[str, str]:
        """The next event, without heartbeats."""
        kind = ""
        async with asyncio.timeout(10):
            async for line in self.lines:
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    return kind, line[6:]
        raise AssertionError("the stream ended")

    async def rest(self) -> list[str]:
        """Everything up to the end of the stream."""
        async with asyncio.timeout(10):
            return [line async for line in self.lines]


@asynccontextmanager
async def watching(api: Api, path: str = LIVE, **headers: str) -> AsyncIterator[Stream]:
    async with api.client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        stream = Stream(response)
        assert (await stream.event())[0] == "following"
        yield stream


async def store(api: Api, message: str, organization_id: int = 1) -> None:
    message_sent = submitted(payload(message), organization_id=organization_id, project_id=organization_id)
    await api.intake.handler([as_incoming(message_sent)])
    await api.intake.unit_of_work.relay.publish_once()  # as the worker's does


@pytest.mark.parametrize("is_together", [False, True])
async def test_stored_and_changed_feedback_is_shown_to_its_organization_alone(
    intake: Intake, is_together: bool
) -> None:
    intake = intake.changed(announces_together=is_together)
    async with (
        serving(intake) as api,
        watching(api) as stream,
        watching(api, "/organizations/organization-2/feedback/live/") as other,
    ):
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        await store(api, "one")
        kind, data = await stream.event()
        [row] = await api.list()
        assert (kind, data) == ("created", f'{{"project":"1","id":"{row["id"]}"}}')
        await api.client.put(f"/api/0/organizations/demo/issues/{row['id']}/", json={"status": "resolved"})
        assert (await stream.event())[0] == "changed"
        await store(api, "two", organization_id=2)
        assert (await other.event()) != ("created", data)


async def test_a_file_that_came_in_names_its_event(intake: Intake, bus: RedisStreams) -> None:
    stored = AttachmentStored(
        id=new_id(), occurred_at=NOW, project_id=1, organization_id=1, received_at=NOW, attachment_id="a" * 32,
        event_id="e" * 32, name="screenshot.png", size=4, sha1="0" * 40, blob_key="1/e/a/b",
    )  # fmt: skip
    foreign = stored.model_copy(update={"organization_id": 2, "event_id": "f" * 32})
    shards = intake.settings.stream_shards
    async with serving(intake) as api, watching(api) as stream:
        await bus.publish([outgoing(ATTACHMENT_STORED, one, shards) for one in (foreign, stored)])
        assert await stream.event() == ("attached", f'{{"project":"1","event":"{"e" * 32}"}}')


async def test_strangers_and_the_unknown_see_nothing(intake: Intake) -> None:
    async with serving(intake) as api:
        headers = signed_in(api.app, tenants={2: "owner"})
        assert (await api.client.get(LIVE, headers=headers)).status_code == 404
        assert (await api.client.get(LIVE, headers={"Authorization": ""})).status_code == 401


async def test_a_hidden_inbox_has_no_news(intake: Intake, redis: Any) -> None:
    await publish_project(redis, features={Feature.VISIBLE: False})
    async with serving(intake) as api:
        assert (await api.client.get(LIVE)).status_code == 204


async def test_heartbeats_keep_it_open_and_it_ends_at_its_age(intake: Intake) -> None:
    async with serving(intake, live_heartbeat_seconds=0.05, live_seconds_max=1.0) as api:
        lines = (await api.client.get(LIVE)).text.split("\n")
        assert lines[0] == "retry: 3000"
        assert lines.count(":") >= 5


async def test_what_is_followed_late_is_said_soon(intake: Intake, redis_proxy: FaultProxy) -> None:
    """Not with the next heartbeat, which may be minutes away."""
    late = {"redis_url": SecretStr(redis_proxy.url), "live_heartbeat_seconds": 300.0}
    async with serving(intake, **late) as api:
        await api.list()  # so that the organization is known
        redis_proxy.hang()
        async with api.client.stream("GET", LIVE) as response, asyncio.timeout(10):
            stream = Stream(response)
            assert [await anext(stream.lines) for _ in range(3)] == ["retry: 3000", "", ":"]
            redis_proxy.heal()
            assert (await stream.event())[0] == "following"


async def test_open_pages_are_bounded_and_counted_down(intake: Intake) -> None:
    async with serving(intake, live_clients_per_session_max=1) as api:
        async with watching(api):
            refused = await api.client.get(LIVE)
            assert refused.status_code == 429
            assert "Too many live pages are open." in refused.text
        live = api.app.state.state.live
        await eventually(lambda: live.count == 0)
        async with watching(api):
            assert live.count == 1


async def test_an_address_and_a_process_have_their_bounds(intake: Intake) -> None:
    for name in ("live_clients_per_address_max", "live_clients_max"):
        async with serving(intake, **{name: 1}) as api, watching(api):
            other = signed_in(api.app, email="other@example.com")
            assert (await api.client.get(LIVE, headers=other)).status_code == 429


async def test_streams_end_when_the_server_begins_to_stop(intake: Intake) -> None:
    async with serving(intake) as api, watching(api) as stream:
        for end in api.app.state.on_stopping:
            end()
        await stream.rest()
        assert (await api.client.get(LIVE)).text == "retry: 3000\n\n"
