"""Pipelined connections to a cluster: commands go to the primary that owns their keys' slot.

Slots move, on resharding and on failover. After a redirection, and when a node does not reply, the slot map is
reloaded. Commands that were not executed are then sent to the new owner, until the reply timeout.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, Self, TypeVar

import hiredis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from hearback_kit.errors import Unavailable
from hearback_kit.resp import REDIRECTIONS, NotSent, RespConnection, Wire, encode_command
from hearback_kit.valkey_address import ClusterAddress, Host, read_cluster

Thing = TypeVar("Thing")
READ_SECONDS_MAX: Final = 1.0  # for one node to say where slots are
READS_APART_SECONDS: Final = 0.1
AGAIN_SECONDS: Final = 0.02  # between attempts while a slot is being moved
_ASKING: Final = encode_command("ASKING")


class SlotMap:
    """The slot map of the cluster; loaded on first use, and again when it is in doubt."""

    def __init__(self, address: ClusterAddress) -> None:
        self._address = address
        self._hosts = list(address.hosts)  # who is asked, in this order
        self._owners: list[Host | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._doubted: set[Host] = set()
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def owner(self, slot: int, seconds_max: float) -> Host:
        """Return host and port of a slot's primary. Raise NotSent if it is not known in time."""
        owner = self._owners[slot]
        if owner is None or owner in self._doubted:
            try:
                async with asyncio.timeout(seconds_max):
                    await self._read_once()
            except TimeoutError:
                raise NotSent("the nodes of the cluster do not answer") from None
            owner = self._owners[slot]
        if owner is None:
            raise NotSent("no node of the cluster has the slot")
        return owner

    async def primaries(self, seconds_max: float) -> Sequence[Host]:
        """Return all primaries. Raise NotSent if none is known."""
        with suppress(NotSent):  # that slot may be the only one without
            await self.owner(0, seconds_max)
        found = list(dict.fromkeys(owner for owner in self._owners if owner is not None))
        if not found:
            raise NotSent("no node of the cluster answers")
        return found

    def moved(self, slot: int, owner: Host) -> None:
        """Note that a slot has another owner, and reload the map soon."""
        self._owners[slot] = owner
        self._read_soon()

    def doubt(self, host: Host) -> None:
        """Reload the map before a node is used again that does not reply or does not own a slot."""
        self._doubted.add(host)

    def _read_soon(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read())
            self._reading.add_done_callback(self._ended)
        return self._reading

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._reading = None
        if not task.cancelled():
            task.exception()  # retrieved here in case that nothing waits for it

    async def _read_once(self) -> None:
        """Load the map unless that was just done: while a node is down, every request asks."""
        if asyncio.get_running_loop().time() - self._read_at >= READS_APART_SECONDS:
            await asyncio.shield(self._read_soon())

    async def _read(self) -> None:
        for host in tuple(self._hosts):
            connection = RespConnection(
                self._address.url_of(host),
                connect_seconds_max=READ_SECONDS_MAX,
                answer_seconds_max=READ_SECONDS_MAX,
            )
            try:
                found = _read_slots(await connection.command("CLUSTER", "SLOTS"), host)
            except (Unavailable, hiredis.HiredisError):
                self._put_last(host)
                continue
            finally:
                connection.close()
            if found:
                self._take(host, found)
                return
            self._put_last(host)
        raise NotSent("no node of the cluster answers")

    def _take(self, asked: Host, found: "Sequence[tuple[int, int, Sequence[Host]]]") -> None:
        self._read_at = asyncio.get_running_loop().time()
        owners: list[Host | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, hosts in found:
            owners[first : last + 1] = [hosts[0]] * (last + 1 - first)
        # What is cut off from the others names the old owners: next time another one is asked.
        is_stale = any(host in self._doubted for host in set(owners))
        self._owners = owners
        self._doubted.clear()
        named = dict.fromkeys(host for _, _, hosts in found for host in hosts)
        there = {*named, *self._address.hosts}
        self._hosts = list(dict.fromkeys([*(host for host in self._hosts if host in there), *named]))
        if is_stale:
            self._put_last(asked)

    def _put_last(self, host: Host) -> None:
        self._hosts.remove(host)
        self._hosts.append(host)


def _read_slots(answer: Any, asked: Host) -> list[tuple[int, int, list[Host]]]:
    """Parse a reply to CLUSTER SLOTS: first and last slot and nodes of each range, the primary first."""
    return [
        (first, last, [_host(node[0], int(node[1]), asked) for node in nodes]) for first, last, *nodes in answer
    ]


def _host(name: Any, port: int, asked: Host) -> Host:
    """Return a node's address; one that does not know its own host has the host that was asked."""
    text = name.decode() if isinstance(name, bytes) else str(name or "")
    return (text if text not in {"", "?"} else asked[0], port)


class RespCluster:
    """Connections to the primaries of a cluster, each made on first use.

    `on` returns the destination of a key's slot. For `url` see `valkey_address`.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_seconds_max: float = 2.0,
        answer_seconds_max: float = 5.0,
        replicas_min: int = 0,
        slots: SlotMap | None = None,
    ) -> None:
        address = read_cluster(url)
        if address is None:
            raise ValueError("the URL names no cluster")
        self._url, self._address = url, address
        self.slots = slots or SlotMap(address)
        self.answer_seconds_max = answer_seconds_max
        self.replicas_min = replicas_min
        self._connect_seconds_max = connect_seconds_max
        self._nodes: dict[Host, RespConnection] = {}
        self._wires: dict[int, _SlotWire] = {}

    def another(self, *, answer_seconds_max: float) -> Self:
        """Return other connections to the same cluster."""
        return type(self)(
            self._url,
            answer_seconds_max=answer_seconds_max,
            replicas_min=self.replicas_min,
            slots=self.slots,
        )

    def on(self, key: str) -> Wire:
        """Return the destination of commands on a key and its slot."""
        slot = key_slot(key.encode())
        wire = self._wires.get(slot)
        if wire is None:
            wire = self._wires[slot] = _SlotWire(self, slot)
        return wire

    def apart(self, things: Iterable[Thing], key_of: Callable[[Thing], str]) -> dict[Wire, list[Thing]]:
        """Group things by the destination of their keys."""
        found: dict[Wire, list[Thing]] = {}
        for thing in things:
            found.setdefault(self.on(key_of(thing)), []).append(thing)
        return found

    def node(self, host: Host) -> RespConnection:
        """Return the connection to a node."""
        node = self._nodes.get(host)
        if node is None:
            node = self._nodes[host] = RespConnection(
                self._address.url_of(host),
                connect_seconds_max=self._connect_seconds_max,
                answer_seconds_max=self.answer_seconds_max,
                replicas_min=self.replicas_min,
            )
        return node

    async def ping(self) -> None:
        """Raise Unavailable unless a primary answers."""
        problem = Unavailable("no primary of the cluster answers")
        for host in await self.slots.primaries(self.answer_seconds_max):
            try:
                await self.node(host).ping()
            except Unavailable as error:
                self.slots.doubt(host)
                problem = error
            else:
                return
        raise problem

    def close(self) -> None:
        """Drop the connections; waiters get Unavailable."""
        for node in self._nodes.values():
            node.close()


class _SlotWire(Wire):
    """Writes to the owner of a slot, following redirections."""

    def __init__(self, cluster: RespCluster, slot: int) -> None:
        self._cluster = cluster
        self._slot = slot
        self.replicas_min = cluster.replicas_min

    async def send(self, parts: Iterable[bytes], answers: int) -> Any:
        """See `Wire`."""
        return await self._route(parts, answers, to_replicas=False)

    async def send_to_replicas(self, parts: Iterable[bytes], answers: int) -> Any:
        """See `Wire`."""
        return await self._route(parts, answers, to_replicas=True)

    async def _route(self, parts: Iterable[bytes], answers: int, *, to_replicas: bool) -> Any:
        slots, loop = self._cluster.slots, asyncio.get_running_loop()
        commands, asking = tuple(parts), tuple[bytes, ...]()
        until = loop.time() + self._cluster.answer_seconds_max
        owner = await self._owner()
        redirections = 0
        while True:
            node = self._cluster.node(owner)
            send = node.send_to_replicas if to_replicas else node.send
            try:
                answer = await send((*asking, *commands), answers + len(asking))
            except NotSent:
                slots.doubt(owner)
                successor = await self._owner()
                if successor == owner:
                    raise
                owner, asking = successor, ()
                continue
            except Unavailable:
                slots.doubt(owner)
                raise
            if type(answer) is not hiredis.ReplyError or not str(answer).startswith(REDIRECTIONS):
                return answer
            if loop.time() >= until:
                raise NotSent(f"the slot has no node at the moment: {answer}")
            if redirections or not str(answer).startswith(("MOVED", "ASK")):  # nodes that do not agree yet
                await asyncio.sleep(AGAIN_SECONDS)
            owner, asking = await self._redirected(str(answer), owner)
            redirections += 1

    async def _redirected(self, answer: str, asked: Host) -> tuple[Host, tuple[bytes, ...]]:
        """Return the next node, and commands to send first (ASKING)."""
        slots = self._cluster.slots
        kind, *where = answer.split()
        if kind in {"MOVED", "ASK"}:
            name, _, port = where[1].rpartition(":")
            owner = _host(name.strip("[]"), int(port), asked)
            if kind == "ASK":
                return owner, (_ASKING,)
            slots.moved(self._slot, owner)
            return owner, ()
        if kind == "CLUSTERDOWN":
            slots.doubt(asked)
        return await self._owner(), ()

    async def _owner(self) -> Host:
        return await self._cluster.slots.owner(self._slot, self._cluster.answer_seconds_max)


Connections = RespConnection | RespCluster


def open_connection(
    url: str, *, connect_seconds_max: float = 2.0, answer_seconds_max: float = 5.0, replicas_min: int = 0
) -> Connections:
    """Return pipelined connections to the server or cluster of a URL."""
    kind = RespConnection if read_cluster(url) is None else RespCluster
    return kind(
        url,
        connect_seconds_max=connect_seconds_max,
        answer_seconds_max=answer_seconds_max,
        replicas_min=replicas_min,
    )
