"""Signed calls to services, as the operator."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hearback_local.errors import FleetError

# POSTs to a path of a service and returns the JSON of its answer; raises FleetError.
Call = Callable[[str, str, dict[str, Any]], Any]
BOOTSTRAP_PATH = "/internal/bootstrap"
MEMBERS_PATH = "/internal/members"


def create(organization: str, project: str) -> bytes:
    """Create an organization and a project, if they do not exist; return the JSON response. Runs in a child."""
    return asyncio.run(ask(os.environ, organization, project))


async def ask(environment: Mapping[str, str], organization: str, project: str) -> bytes:
    """Create an organization and a project at the registry of the `environment`. Raises FleetError."""
    return await call(environment, BOOTSTRAP_PATH, {"organization": organization, "project": project})


async def call(environment: Mapping[str, str], path: str, content: Mapping[str, Any]) -> bytes:
    """POST to an internal path of the registry and return the response.

    Raises FleetError if the registry refuses or cannot be reached.
    """
    from hearback_kit.errors import Unavailable
    from hearback_kit.http import ServiceClient

    client = ServiceClient(
        environment["HEARBACK_REGISTRY_URL"],
        service="launcher",
        secret=environment["HEARBACK_SECRET_KEY"],
        timeout_seconds=30.0,
    )
    try:
        answer = await client.request("POST", path, body=json.dumps(content).encode())
    except Unavailable as error:
        raise FleetError(f"the registry cannot be reached: {error.detail}") from error
    finally:
        await client.close()
    if answer.status_code not in {200, 201}:
        raise FleetError(f"the registry answered {answer.status_code}: {detail_of(answer.content)}")
    return answer.content


@asynccontextmanager
async def operator_calls(
    state: Mapping[str, Any], services: Sequence[str], seconds_max: float, advice: str
) -> AsyncIterator[Call]:
    """Yield a function that calls services of a running fleet; its errors end with `advice`."""
    from hearback_kit.errors import Unavailable
    from hearback_kit.http import ServiceClient

    secret = state["environment"]["HEARBACK_SECRET_KEY"]
    ports = {one["name"]: one["port"] for one in state["services"]}
    async with AsyncExitStack() as stack:
        clients = {}
        for name in services:
            url = f"http://127.0.0.1:{ports[name]}"
            clients[name] = ServiceClient(url, service="operator", secret=secret, timeout_seconds=seconds_max)
            stack.push_async_callback(clients[name].close)

        async def call(name: str, path: str, content: dict[str, Any]) -> Any:
            try:
                answer = await clients[name].request("POST", path, body=json.dumps(content).encode())
            except Unavailable as error:
                raise FleetError(f"{name} cannot be reached; {advice}") from error
            if answer.status_code != 200:
                raise FleetError(f"{name} answered {answer.status_code}; {advice}")
            return answer.json()

        yield call


def detail_of(body: bytes) -> str:
    """Return the detail of an error response."""
    try:
        content = json.loads(body)
    except ValueError:
        return body[:200].decode(errors="replace")
    return str(content.get("detail", content)) if isinstance(content, dict) else str(content)


def with_addresses(answer: Mapping[str, Any], url: str, data_dir: Path) -> dict[str, Any]:
    """Return the result with the current URLs of the fleet."""
    host = urlsplit(url).netloc
    dsn = f"http://{answer['public_key']}@{host}/{answer['project_id']}"
    return {**answer, "url": url, "dsn": dsn, "data_dir": str(data_dir)}
