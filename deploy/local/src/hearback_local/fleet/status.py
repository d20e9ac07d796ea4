"""The status of a running fleet: processes, readiness and lag."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hearback_local.data_dir import DataDir
from hearback_local.fleet.readiness import probe
from hearback_local.fleet.state import find_ready_state, is_running
from hearback_local.services import EDGE


def read_status(data_dir: DataDir) -> dict[str, Any]:
    """Return name, pid, url, ready, lag and dead letters of every service, and the embedded stores.

    The lag of a service is its messages in streams and unpublished ones in its outbox. Lag and dead letters are
    None while Valkey is unreachable.
    """
    state, has_launcher = find_ready_state(data_dir), is_running(data_dir)
    runs = has_launcher and bool(state)
    return {
        "running": runs,
        "url": state["url"] if runs else None,
        "data_dir": str(data_dir.root),
        "pid": data_dir.state.read().get("pid") if has_launcher else None,
        "services": _services(state) if runs else [],
        "stores": state["stores"] if runs else [],
    }


def _services(state: dict[str, Any]) -> list[dict[str, Any]]:
    from hearback_local.fleet import queues

    depths = asyncio.run(queues.depths(state["environment"]))
    services = []
    for entry, ready in zip(state["services"], _probe_all(state["services"]), strict=True):
        depth = None if depths is None else depths.get(entry["name"], queues.Depth())
        services.append(
            {
                "name": entry["name"],
                "pid": entry["pid"],
                "url": f"http://127.0.0.1:{entry['port']}",
                "ready": ready,
                "lag": depth.lag if depth else None,
                "dead_letters": depth.dead_letters if depth else None,
            }
        )
    return services


def _probe_all(entries: list[dict[str, Any]]) -> list[bool]:
    """Return whether each is ready; concurrently, since responses may take seconds."""

    def look(entry: dict[str, Any]) -> bool:
        return probe(entry["port"], "/healthz" if entry["name"] == EDGE else "/readyz")[0]

    with ThreadPoolExecutor(max(1, len(entries))) as pool:
        return list(pool.map(look, entries))
