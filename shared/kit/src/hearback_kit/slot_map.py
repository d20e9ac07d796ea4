"""The slot map of a cluster: which primary owns a key's slot."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import hiredis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from hearback_kit.errors import Unavailable
from hearback_kit.resp import RespConnection
from hearback_kit.resp_link import NotSent
from hearback_kit.shared_calls import SharedCalls
from hearback_kit.valkey_address import ClusterAddress, Host

READ_SECONDS_MAX: Final = 1.0  # for one node to say where slots are
READS_APART_SECONDS: Final = 0.1


class SlotMap:
    """The slot map of the cluster; loaded on first use, and again when it is in doubt."""

    def __init__(self, address: ClusterAddress) -> None:
        self._address = address
        self._hosts = list(address.hosts)  # in the order in which they are asked
        self._owners: list[Host | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._doubted: set[Host] = set()
        self._read_at = float("-inf")
        self._reading: SharedCalls[None, None] = SharedCalls()

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
        self._reading.begin(None, self._read)

    def doubt(self, host: Host) -> None:
        """Reload the map before a node is used again that does not reply or does not own a slot."""
        self._doubted.add(host)

    async def _read_once(self) -> None:
        """Load the map unless that was just done: while a node is down, every request asks."""
        if asyncio.get_running_loop().time() - self._read_at >= READS_APART_SECONDS:
            await self._reading.result(None, self._read)

    async def _read(self) -> None:
        for host in tuple(self._hosts):
            connection = RespConnection(self._address.url_of(host), answer_seconds_max=READ_SECONDS_MAX)
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
        # A node that is cut off from the others returns the old owners, so another one is asked next time.
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
        (first, last, [node_address(node[0], int(node[1]), asked) for node in nodes])
        for first, last, *nodes in answer
    ]


def node_address(name: Any, port: int, asked: Host) -> Host:
    """Return a node's address; one that does not know its own host has the host that was asked."""
    text = name.decode() if isinstance(name, bytes) else str(name or "")
    return (text if text not in {"", "?"} else asked[0], port)
