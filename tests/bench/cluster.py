"""Commits to a cluster of three primaries against those to one, where each server has a fixed share of a core.

On two cores, three servers at their limit leave no room for what offers. So each primary gets a CPU quota of its
own, small enough that the load has all it needs: then the throughput of three shows what a cluster brings. Each
has one replica, without a quota. Needs control groups that may be written to.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack

import uvloop
from hearback_devkit.engines import ValkeyCluster, ValkeyEngine, engine_scratch_directory
from hearback_kit.bus import Outgoing
from hearback_kit.bus.group_commit import GroupCommit, commits_by_shard
from hearback_kit.resp_cluster import open_connection
from hearback_kit.valkey import connect

from tests.bench.model import Options, Row
from tests.bench.programs import cpu_seconds
from tests.bench.two_gateways import held_to

SHARES = (0.05, 0.1)  # of a core, for each primary
SHARDS = 24  # on three primaries 9, 9 and 6
USERS = 8  # of each shard
MESSAGE = b"x" * 500


async def _commit(url: str, seconds: float) -> tuple[float, list[float]]:
    """Keep all users busy; return commits per second and the seconds that each took."""
    wires = open_connection(url)
    commits = commits_by_shard(wires, SHARDS, lambda wire: GroupCommit[None](wire, lambda _: ()))
    took: list[float] = []
    begun = time.monotonic()

    async def user(shard: int) -> None:
        messages = [Outgoing(f"bench:{{{shard}}}", "thing", MESSAGE)]
        while (now := time.monotonic()) < begun + seconds:
            await commits[shard].commit(messages)
            took.append(time.monotonic() - now)

    await asyncio.gather(*(user(shard) for shard in range(SHARDS) for _ in range(USERS)))
    per_second = len(took) / (time.monotonic() - begun)
    wires.close()
    client = connect(url)
    await client.flushall()
    await client.aclose()
    return per_second, sorted(took)


def _measure(row: Row, url: str, primaries: Sequence[ValkeyEngine], options: Options, share: float) -> float:
    pids = [primary.pid or 0 for primary in primaries]
    with ExitStack() as stack:
        for pid in pids:
            stack.enter_context(held_to(pid, share))
        before = sum(map(cpu_seconds, pids))
        per_second, took = uvloop.run(_commit(url, options.seconds))
        used = sum(map(cpu_seconds, pids)) - before
    row.add(per_second, used * 1e6 / len(took), took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3)
    return per_second


def run(options: Options) -> list[Row]:
    """Measure both in turn, for each share."""
    found: list[Row] = []
    with engine_scratch_directory() as folder, ExitStack() as stack:
        one = ValkeyEngine(folder / "one", appendfsync="everysec")
        replica = ValkeyEngine(folder / "replica", appendfsync="everysec", primary=one)
        cluster = ValkeyCluster(folder / "cluster", appendfsync="everysec", node_timeout_ms=60_000)
        for engine in (one, replica, cluster):
            engine.start()
            stack.callback(engine.stop)
        for share in SHARES:
            rows = [
                Row(f"{name}, each held to {share:.0%} of a core", []) for name in ("1 primary", "3 primaries")
            ]
            rows[1].limit, rows[1].reach = "one", ">= 2"
            for _ in range(options.rounds):
                single = _measure(rows[0], one.url, [one], options, share)
                several = _measure(rows[1], cluster.url, cluster.nodes[:3], options, share)
                rows[1].ratios = [*rows[1].ratios, several / single]
            found += rows
    return found
