"""The OpenAPI document holds for whatever a generator can think of."""

import asyncio
from typing import Any

import schemathesis
from crash_embed.__main__ import PROGRAM
from crash_embed.app import create_app
from crash_embed.settings import Settings
from hearback_devkit.fleet import publish_project
from hypothesis import HealthCheck, given, settings
from redis.asyncio import Redis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

EXAMPLES = 25
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


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
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    await asyncio.to_thread(_check_every_operation, schema)


def _check_every_operation(schema: Any) -> None:
    for result in schema.get_all_operations():
        operation = result.ok()
        if not operation.path.startswith("/api/"):
            continue

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def check(case: Any) -> None:
            case.validate_response(case.call(), checks=CHECKS)

        check()
