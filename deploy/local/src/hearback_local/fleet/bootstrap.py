"""Signed calls to the registry: an organization with a project, an owner and a token; a member with a password."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BOOTSTRAP_PATH = "/internal/bootstrap"
MEMBERS_PATH = "/internal/members"


def create(organization: str, project: str) -> bytes:
    """Return the registry's answer as JSON; the same again when both exist. Runs in a child of its own."""
    return asyncio.run(ask(os.environ, organization, project))


async def ask(environment: Mapping[str, str], organization: str, project: str) -> bytes:
    """Return the registry's answer as JSON; `environment` says where it is. Raises RegistryRefused."""
    return await call(environment, BOOTSTRAP_PATH, {"organization": organization, "project": project})


async def call(environment: Mapping[str, str], path: str, content: Mapping[str, Any]) -> bytes:
    """POST to an internal path of the registry and return the answer.

    Raises RegistryRefused when the registry refuses or cannot be reached.
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
        raise RegistryRefused(f"the registry cannot be reached: {error.detail}") from error
    finally:
        await client.close()
    if answer.status_code not in {200, 201}:
        raise RegistryRefused(f"the registry answered {answer.status_code}: {detail_of(answer.content)}")
    return answer.content


def detail_of(body: bytes) -> str:
    """Return what the answer of an error says to people."""
    try:
        content = json.loads(body)
    except ValueError:
        return body[:200].decode(errors="replace")
    return str(content.get("detail", content)) if isinstance(content, dict) else str(content)


class RegistryRefused(RuntimeError):
    """The registry refused a call, or could not be reached."""


def with_addresses(answer: Mapping[str, Any], url: str, data_dir: Path) -> dict[str, Any]:
    """Return the answer with the addresses of the fleet as it runs now."""
    host = urlsplit(url).netloc
    dsn = f"http://{answer['public_key']}@{host}/{answer['project_id']}"
    return {**answer, "url": url, "dsn": dsn, "data_dir": str(data_dir)}
