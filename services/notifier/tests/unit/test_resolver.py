"""Names are looked up beside the event loop's threads; an organization holds few threads, as long as they run."""

import asyncio
from collections import Counter
from threading import Event
from typing import Any

import pytest
from hearback_devkit.testing import eventually
from notifier.clients.outbound import CallFailed, OutboundCalls
from notifier.clients.resolver import Resolver

ADDRESS = [(2, 1, 6, "", ("127.0.0.1", 80))]


class NameServer:
    """Answers names, those that begin with `slow` once it is set."""

    def __init__(self) -> None:
        self.answering = Event()
        self.asked: Counter[str] = Counter()

    def __call__(self, host: str, port: int) -> list[tuple[Any, ...]]:
        self.asked[host] += 1
        if host.startswith("slow"):
            self.answering.wait()
        return ADDRESS


async def test_slow_names_of_an_organization_hold_up_its_own_only() -> None:
    names = NameServer()
    resolver = Resolver(names, threads_max=6, share_max=2)
    slow = [asyncio.create_task(resolver.resolve(f"slow{number}", 80, 1)) for number in range(10)]
    await eventually(lambda: names.asked.total() == 2)
    for organization_id in range(2, 7):
        assert await resolver.resolve("quick", 80, organization_id) == ["127.0.0.1"]
        assert await asyncio.to_thread(lambda: True)
    assert names.asked.total() == 7
    names.answering.set()
    assert await asyncio.gather(*slow) == [["127.0.0.1"]] * 10


async def test_who_gives_up_leaves_its_thread_taken_until_it_ends() -> None:
    names = NameServer()
    resolver = Resolver(names, share_max=1)
    calls = OutboundCalls(seconds_max=0.1, resolver=resolver)
    for _ in range(2):
        with pytest.raises(CallFailed, match="within"):
            await calls.post("http://slow.example/", b"{}", {}, 1)
    assert names.asked == {"slow.example": 1}
    names.answering.set()
    assert await resolver.resolve("quick", 80, 1) == ["127.0.0.1"]
    await calls.close()


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long")])
async def test_a_name_without_an_address_frees_its_thread(error: Exception) -> None:
    def find(host: str, port: int) -> list[tuple[Any, ...]]:
        raise error

    resolver = Resolver(find, share_max=1)
    for _ in range(2):
        with pytest.raises(type(error)):
            await resolver.resolve("nowhere", 80, 1)
