"""Pipelined connections to a cluster: commands go to the primary that owns their keys' slot.

Slots move, on resharding and on failover. After a redirection, and when a node does not reply, the slot map is
reloaded. Commands that were not executed are then sent to the new owner, until the reply timeout.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, Self, TypeVar

import hiredis
from redis.crc import key_slot

from hearback_kit.errors import Unavailable
from hearback_kit.resp import RespConnection, Wire, encode_command
from hearback_kit.resp_link import REDIRECTIONS, NotSent
from hearback_kit.slot_map import SlotMap, node_address
from hearback_kit.valkey_address import Host, read_cluster

Thing = TypeVar("Thing")
AGAIN_SECONDS: Final = 0.02  # between attempts while a slot is being moved
_ASKING: Final = encode_command("ASKING")


class RespCluster:
    """Connections to the primaries of a cluster, each made on first use.

    `on` returns the destination of a key's slot. For `url` see `valkey_address`.
    """

    def __init__(
        self,
        url: str,
        *,
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
            owner = node_address(name.strip("[]"), int(port), asked)
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


def open_connection(url: str, *, answer_seconds_max: float = 5.0, replicas_min: int = 0) -> Connections:
    """Return pipelined connections to the server or cluster of a URL."""
    kind = RespConnection if read_cluster(url) is None else RespCluster
    return kind(url, answer_seconds_max=answer_seconds_max, replicas_min=replicas_min)
