"""An embedded Valkey Cluster."""

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal

from redis import Redis, RedisError
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from hearback_devkit.engines.process import EngineError, free_port, wait_until
from hearback_devkit.engines.valkey import ValkeyEngine

ASKED_SECONDS_MAX = 10.0
FORMING_SECONDS_MAX = 60.0
HANDING_OVER_SECONDS_MAX = 6.0  # a little more than the nodes' own timeout


class ClusterNode(ValkeyEngine):
    """A node of a cluster; its password is that of `first`."""

    name = "valkey"

    def __init__(
        self,
        data_dir: Path | str,
        first: "ClusterNode | None",
        appendfsync: Literal["always", "everysec", "no"],
        node_timeout_ms: int,
    ) -> None:
        super().__init__(data_dir, appendfsync=appendfsync, memory_mb_max=128)
        self._first = first
        self._node_timeout_ms = node_timeout_ms
        self.bus_port: int | None = None

    @property
    def password(self) -> str:
        """The generated password of the nodes' only account."""
        return super().password if self._first is None else self._first.password

    def _lines(self, port: int) -> Sequence[str]:
        if self.port is None:  # it has not run yet, or not with the last one
            self.bus_port = free_port()
        return (
            *super()._lines(port),
            "hz 10",  # how often failures are detected
            "cluster-enabled yes",
            "cluster-config-file nodes.conf",
            f"cluster-node-timeout {self._node_timeout_ms}",
            f"cluster-port {self.bus_port}",
            "cluster-require-full-coverage no",
        )

    def ask(self, *command: Any) -> Any:
        """Run a command and return the response. Raises RedisError."""
        with Redis(
            port=self.port or 0, password=self.password, decode_responses=True, socket_timeout=ASKED_SECONDS_MAX
        ) as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)

    @property
    def node_id(self) -> str:
        """The id of this node in the cluster."""
        return str(self.ask("CLUSTER", "MYID"))


def _myself(node: ClusterNode) -> str:
    """Return a node's own entry in CLUSTER NODES; a replica's has its primary."""
    lines: list[str] = node.ask("CLUSTER", "NODES").splitlines()
    return next(line for line in lines if "myself" in line)


class ValkeyCluster:
    """A cluster of three primaries with a replica each, on this machine; `nodes` begins with the primaries.

    A node that does not respond for `node_timeout_ms` is replaced by its replica. As with `Engine`, start it from
    a thread that lives as long.
    """

    def __init__(
        self,
        data_dir: Path | str,
        appendfsync: Literal["always", "everysec", "no"] = "always",
        node_timeout_ms: int = 2_000,
    ) -> None:
        self.nodes: list[ClusterNode] = []
        for number in range(6):
            first = self.nodes[0] if self.nodes else None
            self.nodes.append(ClusterNode(Path(data_dir) / f"node-{number}", first, appendfsync, node_timeout_ms))

    @property
    def url(self) -> str:
        """The URL of the cluster, with its first three nodes. Only after `start`."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:3])
        return f"redis+cluster://:{self.nodes[0].password}@{hosts}"

    def start(self) -> None:
        """Start the nodes and form the cluster. Raises EngineError."""
        try:
            for node in self.nodes:
                node.start()
            self._form()
        except BaseException:
            self.stop()
            raise

    def _form(self) -> None:
        primaries, replicas = self.nodes[:3], self.nodes[3:]
        share = REDIS_CLUSTER_HASH_SLOTS / 3
        for number, node in enumerate(self.nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for number, node in enumerate(primaries):
            node.ask("CLUSTER", "ADDSLOTSRANGE", int(number * share), int((number + 1) * share) - 1)
        for node in self.nodes[1:]:
            self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port, node.bus_port)
        self.wait(lambda: all(self._known(node) == len(self.nodes) for node in self.nodes), "know each other")
        for primary, replica in zip(primaries, replicas, strict=True):
            replica.ask("CLUSTER", "REPLICATE", primary.node_id)
        self.wait(self.is_whole, "agree")

    def _known(self, node: ClusterNode) -> int:
        lines = node.ask("CLUSTER", "NODES").splitlines()
        return sum("handshake" not in line for line in lines)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition. Raises EngineError after a timeout."""
        if not wait_until(condition, FORMING_SECONDS_MAX):
            raise EngineError(f"the nodes of the cluster do not {what}; see {self.nodes[0].log_path}")

    def is_whole(self) -> bool:
        """Return whether every node knows a replica of each primary, and all replicas are in sync."""
        try:
            for node in self.nodes:
                if node.pid is None or "cluster_state:ok" not in node.ask("CLUSTER", "INFO"):
                    return False
                if any(len(of_slots) != 4 for of_slots in node.ask("CLUSTER", "SLOTS")):
                    return False
                replication = node.ask("INFO", "replication")
                if "role:slave" in replication and "master_link_status:up" not in replication:
                    return False
        except (RedisError, OSError):
            return False
        return True

    def nodes_of(self, key: str) -> list[ClusterNode]:
        """Return the nodes of a key's slot, primary first, according to the first reachable node."""
        slot = key_slot(key.encode())
        for node in self.nodes:
            with contextlib.suppress(RedisError, OSError):
                for first, last, *owners in node.ask("CLUSTER", "SLOTS"):
                    if first <= slot <= last:
                        return [one for owner in owners for one in self.nodes if one.port == owner[1]]
        raise EngineError(f"no node knows who has {key}")

    def primary_of(self, key: str) -> ClusterNode:
        """Return the primary of a key's slot."""
        return self.nodes_of(key)[0]

    def is_primary(self, node: ClusterNode) -> bool:
        """Return whether a node is a primary."""
        return "role:master" in node.ask("INFO", "replication")

    def hand_over(self, primary: ClusterNode) -> None:
        """Fail a primary over to a replica, gracefully."""
        owner = f"{primary.node_id} "
        replica = next(node for node in self.nodes if node is not primary and owner in _myself(node))

        def changed() -> bool:
            with contextlib.suppress(RedisError):  # it may have been done meanwhile
                replica.ask("CLUSTER", "FAILOVER")
            done = partial(self._have_changed, primary, replica)
            return wait_until(done, HANDING_OVER_SECONDS_MAX)

        self.wait(changed, "change their places")

    def _have_changed(self, primary: ClusterNode, replica: ClusterNode) -> bool:
        return self.is_primary(replica) and not self.is_primary(primary)

    def begin_move(self, key: str, target: ClusterNode) -> ClusterNode:
        """Begin to migrate a key's slot to another primary; return the current one."""
        slot, source = key_slot(key.encode()), self.primary_of(key)
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.node_id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.node_id)
        return source

    def move_keys(self, key: str, source: ClusterNode, target: ClusterNode, count: int = 1_000) -> int:
        """Migrate some keys of a key's slot; return their number."""
        keys = source.ask("CLUSTER", "GETKEYSINSLOT", key_slot(key.encode()), count)
        if keys:
            where = ("127.0.0.1", target.port, "", 0, 5_000)
            source.ask("MIGRATE", *where, "AUTH", self.nodes[0].password, "KEYS", *keys)
        return len(keys)

    def end_move(self, key: str, target: ClusterNode) -> None:
        """Assign the slot to its new primary on all primaries."""
        slot = key_slot(key.encode())
        for node in (target, *self.nodes):
            with contextlib.suppress(RedisError, OSError):  # a replica has it from its primary
                node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.node_id)

    def stop(self) -> None:
        """Stop all nodes at the same time, since each would wait for its replica."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(ClusterNode.stop, self.nodes))
