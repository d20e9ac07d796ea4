"""A fleet that tests may hurt, and how."""

import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def own_fleet(fleet_starter: tuple[Callable[..., Any], Callable[[Any], None]]) -> Iterator[Any]:
    """One fleet for all who hurt it."""
    with tempfile.TemporaryDirectory(prefix="hearback-chaos-") as folder:
        Path(folder).chmod(0o755)
        start, stop = fleet_starter
        running = start(
            Path(folder) / "data",
            HEARBACK_CONSUMER_IDLE_MS_MIN="3000",
            # Its tests look at a gateway without a spool; the seeded faults have one that spools at once.
            ENVELOPE_GATEWAY_OUTAGE_SPOOL_AFTER_SECONDS="3600",
        )
        yield running
        stop(running)


@pytest.fixture
def status(own_fleet: Any) -> Callable[[], dict[str, Any]]:
    """What `hearback status` says of the fleet."""

    def read() -> dict[str, Any]:
        found: dict[str, Any] = own_fleet.status()
        return found

    return read


@pytest.fixture
def kill(status: Callable[[], dict[str, Any]], wait_until: Callable[..., Any]) -> Callable[..., None]:
    """End a service or store without warning, or send it another signal."""

    def end(name: str, number: int = signal.SIGKILL) -> None:
        def sent() -> bool:
            found = status()
            pid = next(one["pid"] for one in found["services"] + found["stores"] if one["name"] == name)
            try:
                os.kill(pid, number)
            except ProcessLookupError:  # it ended before, and is about to be started again
                return False
            return True

        wait_until(sent)

    return end


@pytest.fixture
def environment(own_fleet: Any) -> dict[str, str]:
    """What the fleet's services find in their environment: where the stores are."""
    found: dict[str, str] = json.loads((own_fleet.data_dir / "state.json").read_text())["environment"]
    return found
