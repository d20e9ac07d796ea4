"""Faults of the stores' connections by a plan that a seed draws, and load that is counted while they last."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from hearback_devkit.testing import FaultProxy

FAULTS: dict[str, Callable[[FaultProxy], None]] = {
    "reset": FaultProxy.cut,
    "accept and reset": FaultProxy.refuse,
    "half close": FaultProxy.half_close,
    "silence": FaultProxy.hang,
    "reset amid an answer": lambda proxy: proxy.reset_after(7),
    "delay": lambda proxy: proxy.delay(0.2),
}
STORES = ("valkey", "postgres")
REASON = "chaos"


@dataclass(frozen=True)
class Fault:
    """One step of a plan: a fault on some stores, or the end of a service without warning, and a pause."""

    name: str
    stores: Sequence[str]
    seconds: float
    pause: float
    killed: str | None = None


def draw_plan(seed: int, seconds: float, services: Sequence[str]) -> list[Fault]:
    """Return faults that take about `seconds` in all; the same for the same seed."""
    chance = random.Random(seed)
    plan: list[Fault] = []
    names = list(FAULTS)
    while sum(fault.seconds + fault.pause for fault in plan) < seconds:
        # Every fault on every store before any comes again.
        store = STORES[len(plan) // len(names) % 2] if len(plan) < 2 * len(names) else chance.choice(STORES)
        if not len(plan) % len(names):
            chance.shuffle(names)
        stores = STORES if chance.random() < 0.15 else (store,)
        killed = chance.choice(services) if chance.random() < 0.2 else None
        name = names[len(plan) % len(names)]
        plan.append(Fault(name, stores, chance.uniform(0.5, 3.0), chance.uniform(0.2, 2.0), killed))
    return plan


class FaultyStores:
    """Both stores behind proxies, which run in a thread of their own."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._proxies: dict[str, FaultProxy] = {}
        self._stop: Callable[[], None] | None = None

    @contextmanager
    def running(self) -> Iterator["FaultyStores"]:
        """Serve while the block runs."""
        self._thread.start()
        ready, stop = threading.Event(), asyncio.Event()
        done = asyncio.run_coroutine_threadsafe(self._serve(ready, stop), self._loop)
        assert ready.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(stop.set)
            done.result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    async def _serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        proxies = {name: _proxy(url) for name, url in self._urls.items()}
        async with proxies["valkey"].run(), proxies["postgres"].run():
            self._proxies = proxies
            ready.set()
            await stop.wait()

    def url(self, store: str) -> str:
        """Return a store's URL through its proxy."""
        parts = urlsplit(self._urls[store])
        netloc = f"{parts.netloc.rpartition(':')[0]}:{self._proxies[store].port}"
        return urlunsplit(parts._replace(netloc=netloc))

    def break_with(self, fault: Fault) -> None:
        """Begin a fault."""
        for store in fault.stores:
            self._loop.call_soon_threadsafe(FAULTS[fault.name], self._proxies[store])

    def wait(self, seconds: float) -> None:
        """Let the load go on for the time of a plan's step."""
        threading.Event().wait(seconds)

    def heal(self) -> None:
        """End every fault."""
        for proxy in self._proxies.values():
            self._loop.call_soon_threadsafe(proxy.heal)


def _proxy(url: str) -> FaultProxy:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return FaultProxy(parts.hostname, parts.port)


@dataclass
class Reports:
    """Client reports sent from a thread, each of one discarded error, and what became of them."""

    project: Any
    acknowledged: int = 0
    unclear: int = 0
    longest_without: float = 0.0
    statuses: set[int] = field(default_factory=set)
    _end: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Reports"]:
        """Send while the block runs."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()

    def _run(self) -> None:
        entry = {"reason": REASON, "category": "error", "quantity": 1}
        last = time.monotonic()
        while not self._end.wait(0.02):
            body = {"timestamp": time.time(), "discarded_events": [entry]}
            try:
                status = self.project.send(({"type": "client_report"}, _json(body))).status_code
            except httpx.TransportError:
                status = 0
            now = time.monotonic()
            self.statuses.add(status)
            if status == 200:
                self.acknowledged += 1
                last = now
            else:
                self.unclear += 1
            self.longest_without = max(self.longest_without, now - last)


def _json(value: object) -> bytes:
    return httpx.Request("POST", "http://x", json=value).content


def counted(project: Any, **filters: Any) -> int:
    """Return a sum of outcomes of the project's last hour."""
    answer = project.get(
        f"/api/0/organizations/{project.organization}/stats_v2/",
        project=project.project_id,
        field="sum(quantity)",
        statsPeriod="1h",
        groupBy="outcome",
        **filters,
    )
    return sum(int(group["totals"]["sum(quantity)"]) for group in answer["groups"])


def stored_submissions(project: Any) -> set[str]:
    """Return the ids of all submissions whose fate is that they are stored."""
    return set(seconds_until_stored(project))


def seconds_until_stored(project: Any) -> dict[str, float]:
    """Return by id how long each submission whose fate is that it is stored waited for that."""
    path = f"/api/0/projects/{project.organization}/{project.project}/submissions/"
    params: dict[str, Any] = {"state": "stored", "per_page": 100}
    found: dict[str, float] = {}
    while True:
        answer = project.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        for one in answer.json():
            stored = [step["at"] for step in one["steps"] if step["step"] == "stored"]
            times = [datetime.fromisoformat(at) for at in (one["receivedAt"], *stored[:1])]
            found[one["id"]] = (times[-1] - times[0]).total_seconds()
        following = answer.links["next"]
        if following["results"] != "true":
            return found
        params["cursor"] = following["cursor"]
