"""A Valkey Cluster is hurt under load: nothing that was acknowledged is lost, and a shard needs its node alone."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hearback_contracts.streams import shard_of
from hearback_devkit.engines import ValkeyCluster, engine_scratch_directory
from loading import Load, assert_nothing_lost, frozen
from seeded_faults import counted, stored_submissions

WaitUntil = Callable[..., Any]
SHARDS = 4
IS_LONG = "HEARBACK_CHAOS_SECONDS" in os.environ
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def cluster() -> Iterator[ValkeyCluster]:
    with engine_scratch_directory() as folder:
        cluster = ValkeyCluster(folder / "cluster")
        cluster.start()
        yield cluster
        cluster.stop()


@pytest.fixture
def fleet(
    cluster: ValkeyCluster, fleet_starter: tuple[Callable[..., Any], Callable[[Any], None]]
) -> Iterator[Any]:
    start, stop = fleet_starter
    with tempfile.TemporaryDirectory(prefix="hearback-cluster-") as folder:
        Path(folder).chmod(0o755)
        running = start(
            Path(folder) / "data",
            HEARBACK_REDIS_URL=cluster.url,
            HEARBACK_REDIS_REPLICAS_MIN="1",
            HEARBACK_CONSUMER_IDLE_MS_MIN="3000",
            ENVELOPE_GATEWAY_OUTAGE_SPOOL_AFTER_SECONDS="3",
        )
        yield running
        stop(running)


def tag_of(project: Any) -> str:
    return f"{{{shard_of(project.project_id, SHARDS)}}}"


def projects_by_node(fleet: Any, cluster: ValkeyCluster) -> list[Any]:
    """A project of each primary."""
    found: dict[int | None, Any] = {}
    while len(found) < 3:
        project = fleet.new_project()
        found.setdefault(cluster.primary_of(tag_of(project)).port, project)
    return list(found.values())


def test_nothing_is_lost_when_nodes_end_and_slots_move(
    fleet: Any, cluster: ValkeyCluster, wait_until: WaitUntil
) -> None:
    projects = projects_by_node(fleet, cluster)
    loads = [Load(project, pause_seconds=0.01) for project in projects]
    with ExitStack() as stack:
        for load in loads:
            stack.enter_context(load.running())

        def more(these: list[Load], count: int = 10) -> None:
            for load in these:
                load.more(count, wait_until)

        more(loads)
        tag = tag_of(projects[0])
        killed = cluster.primary_of(tag)
        killed.kill()
        more(loads[1:], 30)  # whose nodes are there
        cluster.wait(lambda: cluster.primary_of(tag) is not killed, "replace it")
        killed.start()  # as the replica without which nothing of its shards is acknowledged
        more(loads)
        cluster.wait(cluster.is_whole, "agree")

        for node in cluster.nodes if IS_LONG else cluster.nodes_of(tag):
            if cluster.is_primary(node):
                cluster.hand_over(node)
            node.stop()
            node.start()
            cluster.wait(cluster.is_whole, "agree")
            more(loads)

        if IS_LONG:
            silent = cluster.primary_of(tag)
            assert silent.pid is not None
            with frozen(silent.pid):
                cluster.wait(lambda: cluster.primary_of(tag) is not silent, "replace it")
                more(loads[1:])
            more(loads)
            cluster.wait(cluster.is_whole, "agree")

        source = cluster.primary_of(tag)
        target = cluster.primary_of(tag_of(projects[1]))
        cluster.begin_move(tag, target)
        more(loads[1:])
        while cluster.move_keys(tag, source, target, 10):
            more(loads[1:])
        cluster.end_move(tag, target)
        more(loads)

        lost = cluster.nodes_of(tag_of(projects[2]))
        for node in lost:
            node.kill()
        more(loads)  # of what has no node now, on the gateway's disk
        for project, load in zip(projects[:2], loads[:2], strict=True):
            wait_until(lambda p=project, sent={*load.acknowledged}: sent <= stored_submissions(p), seconds=60)
        for node in lost:
            node.start()
        cluster.wait(cluster.is_whole, "agree")
        more(loads)
    for project, load in zip(projects, loads, strict=True):
        issues = assert_nothing_lost(project, load)
        assert set(load.acknowledged) <= stored_submissions(project), "an acknowledged submission has no fate"
        assert counted(project, category="feedback", outcome="accepted") == len(issues)
