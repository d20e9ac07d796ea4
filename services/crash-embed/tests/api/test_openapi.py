"""The OpenAPI document is true of the running app whatever it is sent."""

from crash_embed.__main__ import PROGRAM
from crash_embed.app import create_app
from crash_embed.settings import Settings
from hearback_devkit.fleet import publish_project
from hearback_devkit.openapi import assert_conforms
from hearback_devkit.testing import served
from redis.asyncio import Redis


def test_document_names_the_three_operations() -> None:
    document = PROGRAM.create_app(Settings()).openapi()
    methods = document["paths"]["/api/embed/error-page/"]
    assert {method: entry["operationId"] for method, entry in methods.items()} == {
        "get": "getErrorPageScript",
        "post": "sendErrorPageForm",
        "options": "preflightErrorPage",
    }


async def test_answers_conform(redis_url: str, redis: Redis) -> None:
    await publish_project(redis)
    app = create_app(Settings(redis_url=redis_url))
    async with served(app) as url:
        assert await assert_conforms(app.openapi(), url, known={}, examples=25) == 3
