"""Searches of one organization never take all connections of the database."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hearback_devkit.fleet import publish_project, signed_in

from ..conftest import Api

ASKS = {"query": "issue.category:feedback words"}
BUSY = "/api/0/organizations/demo"
OTHER = "/api/0/organizations/organization-7/issues/"


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        ("GET", "/issues/", {}),
        ("GET", "/issues/", {"format": "json"}),
        ("GET", "/issues-count/", {}),
        ("GET", "/issues/", {"id": "2"}),
        ("PUT", "/issues/", {}),
        ("DELETE", "/issues/", {}),
    ],
    ids=["list", "export", "count", "ids", "change", "delete"],
)
async def test_a_busy_organization_waits_and_others_do_not(
    api: Api, redis: Any, method: str, path: str, params: dict[str, str]
) -> None:
    await publish_project(redis, project_id=7, organization_id=7)
    both = signed_in(api.app, tenants={1: "owner", 7: "owner"})
    body = {"status": "resolved"} if method == "PUT" else None
    async with AsyncExitStack() as stack:
        for _ in range(api.intake.settings.database_pool_size // 2):
            await stack.enter_async_context(api.app.state.state.database.connection(share=1))
        waiting = asyncio.create_task(
            api.client.request(method, BUSY + path, params={**ASKS, **params}, headers=both, json=body)
        )
        for _ in range(3):
            found = await api.client.get(OTHER, params=ASKS, headers=both)
            assert found.status_code == 200
        assert not waiting.done()
    assert (await waiting).status_code < 300


async def test_those_who_wait_are_bounded_and_reported(api: Api) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(api.intake.settings.database_pool_size // 2):
            await stack.enter_async_context(api.app.state.state.database.connection(share=1))
        asked = [asyncio.create_task(api.client.get(f"{BUSY}/issues/", params=ASKS)) for _ in range(60)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        refused = done.pop().result()
        assert (refused.status_code, refused.json()["code"]) == (429, "busy")
        assert refused.headers["retry-after"] == "5"
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200, 429}
