"""Flags of projects reach the registry, once."""

from functools import partial
from typing import Any

from feedback.jobs.announce_projects import announce_projects
from hearback_kit.errors import Unavailable

from ..conftest import Intake, submitted


class Registry:
    """Stands in for the client of a registry: remembers what it received, or is away."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.is_away = True

    async def request(self, method: str, target: str, *, body: bytes = b"", headers: Any = None) -> Any:
        if self.is_away:
            raise Unavailable
        self.received.append((f"{method} {target}", body))
        return type("Response", (), {"status_code": 200})


async def test_flags_are_announced_once_however_long_the_registry_is_away(intake: Intake) -> None:
    registry = Registry()
    announce = partial(announce_projects, intake.database, registry)  # type: ignore[arg-type]
    await intake.take(submitted())
    try:
        await announce()
    except Unavailable:
        registry.is_away = False
    for _ in range(2):
        await announce()
    assert registry.received == [
        ("PUT /internal/projects/1/flags", b'{"hasFeedbacks":true,"hasNewFeedbacks":true}')
    ]
