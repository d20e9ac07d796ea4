"""The gateway over time: at its limit for long, a burst at five times what readers take, and two processes.

At the limit every connection always has a request on it, and a reader empties the streams. In the burst the reader
takes a fixed rate, and streams are bounded to two seconds of it: what cannot be taken is refused, and afterwards
everything is accepted again. `python -m tests.bench.endurance SECONDS` prints what came of it as JSON.
"""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hearback_contracts.streams import FEEDBACK_SUBMITTED, STREAMS
from hearback_kit.valkey import connect

from tests.bench.gateway import SHARDS, kinds, serving, valkey
from tests.bench.load import Result, run_load
from tests.bench.model import Options, Row
from tests.bench.open_loop import Offered, offer
from tests.bench.processes import pss_mb
from tests.bench.programs import cpu_seconds

SLICES = 10
SHORT_SECONDS_MAX = 30.0  # of each phase of the burst, and of the run with two processes
READ_SHARE = 0.15  # of the limit that the reader takes in the burst, so that five times of it can be offered
PHASES = ((0.8, 1), (5.0, 1), (0.5, 2))  # of what the reader takes, and for how many times the given seconds
TICK_SECONDS = 0.1
RECOVERY_SECONDS_MAX = 60.0


class Reader:
    """Empties the streams as fast as they fill, the one of feedback at a rate if one is given; counts feedback."""

    def __init__(self, url: str, rate: float | None = None) -> None:
        self._url = url
        self._rate = rate
        self._end = threading.Event()
        self.taken = 0
        self.left = 0  # when it looked last

    @contextmanager
    def running(self) -> Iterator["Reader"]:
        """Read while the block runs; what is left then is counted, too."""
        thread = threading.Thread(target=lambda: asyncio.run(self._read()))
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()

    async def _read(self) -> None:
        client = connect(self._url)
        while not self._end.is_set():
            await asyncio.sleep(TICK_SECONDS)
            await self._take(client, None if self._rate is None else int(self._rate * TICK_SECONDS))
        await self._take(client, None)
        await client.aclose()

    async def _take(self, client: Any, most: int | None) -> None:
        left_in_all = 0
        for stream in STREAMS:
            for key in stream.shard_keys(SHARDS):
                is_counted = stream is FEEDBACK_SUBMITTED
                left = max(0, await client.xlen(key) - most) if is_counted and most is not None else 0
                taken = await client.xtrim(key, maxlen=left, approximate=False)
                self.taken += taken if is_counted else 0
                left_in_all += left
        self.left = left_in_all

    def wait_until_below(self, entries: int) -> float:
        """Wait until fewer entries are left; return for how many seconds."""
        began = time.monotonic()
        while self.left >= entries and time.monotonic() - began < RECOVERY_SECONDS_MAX:
            self._end.wait(TICK_SECONDS)
        return time.monotonic() - began


@dataclass(frozen=True)
class Slice:
    """A part of the time at the limit; memory is that of the gateway at its end."""

    result: Result
    cpu_us: float
    memory_mb: float


@dataclass(frozen=True)
class Limit:
    """What the gateway did at its limit."""

    slices: list[Slice]
    stored: int

    @property
    def answered(self) -> int:
        """Requests answered with 2xx."""
        return sum(one.result.answered for one in self.slices)

    @property
    def per_second(self) -> float:
        """Of those, per second."""
        return self.answered / sum(one.result.seconds for one in self.slices)


@dataclass(frozen=True)
class Burst:
    """What came of the same load before, during and after a burst; `read` is the reader's rate per second."""

    read: float
    before: Offered
    burst: Offered
    after: Offered
    stored: int
    recovered_seconds: float  # from the end of the burst until the readers were below the bound again


def at_the_limit(seconds: float, connections: int, slices: int = SLICES) -> Limit:
    """Keep a gateway busy for so long, in slices."""
    requests = kinds()[0].requests
    found = []
    with valkey() as (url, folder), serving(url, folder) as (port, pid), Reader(url).running() as reader:
        for _ in range(slices):
            before = cpu_seconds(pid)
            result = run_load(port, requests, seconds / slices, connections)
            cpu = (cpu_seconds(pid) - before) * 1e6 / max(1, result.answered)
            found.append(Slice(result, cpu, pss_mb(pid)))
    return Limit(found, reader.taken)


def in_a_burst(read: float, seconds: float) -> Burst:
    """Offer what `PHASES` says, one phase after the other."""
    requests = kinds()[0].requests
    entries_max = max(200, int(2 * read))
    bound = {"ENVELOPE_GATEWAY_STREAM_ENTRIES_MAX": str(entries_max)}
    with (
        valkey() as (url, folder),
        serving(url, folder, bound) as (port, _),
        Reader(url, read).running() as reader,
    ):
        found = []
        for share, times in PHASES:
            recovered = reader.wait_until_below(entries_max)
            found.append(offer(port, requests, read * share, seconds * times))
    return Burst(read, *found, stored=reader.taken, recovered_seconds=recovered)


def in_processes(count: int, seconds: float, connections: int) -> Limit:
    """Keep so many gateways on one Valkey busy at the same time; one slice for each."""
    requests = kinds()[0].requests
    with valkey() as (url, folder), Reader(url).running() as reader, gateways(count, url, folder) as gates:
        before = [cpu_seconds(pid) for _, pid in gates]
        with ThreadPoolExecutor(count) as pool:
            each = max(1, connections // count)
            runs = [pool.submit(run_load, port, requests, seconds, each) for port, _ in gates]
            results = [run.result() for run in runs]
        used = [cpu_seconds(pid) - at for (_, pid), at in zip(gates, before, strict=True)]
        cpu = [one * 1e6 / max(1, result.answered) for one, result in zip(used, results, strict=True)]
        memory = [pss_mb(pid) for _, pid in gates]
    return Limit([Slice(*one) for one in zip(results, cpu, memory, strict=True)], reader.taken)


@contextmanager
def gateways(count: int, url: str, folder: Path) -> Iterator[list[tuple[int, int]]]:
    """So many gateway processes on one Valkey: the port and process id of each."""
    if not count:
        yield []
        return
    place = folder / f"gateway-{count}"
    place.mkdir()
    with serving(url, place) as first, gateways(count - 1, url, folder) as others:
        yield [first, *others]


def _limit_row(name: str, found: Limit) -> Row:
    row = Row(name, [], [], cpu_us=[], p50_ms=[], p99_ms=[], stored=f"{found.stored:,} / {found.answered:,}")
    for one in found.slices:
        row.add(one.result.per_second, one.cpu_us, one.result.p50_ms, one.result.p99_ms)
    failed = sum(one.result.failed for one in found.slices)
    if failed:
        row.notes.append(f"{failed} answers were not 2xx")
    return row


def _offered_row(name: str, found: Offered) -> Row:
    row = Row(name, [found.answered / found.seconds], p50_ms=[found.p50_ms], p99_ms=[found.p99_ms])
    others = found.sent - found.answered - found.refused
    row.notes.append(
        f"{found.sent:,} sent, {found.answered:,} accepted, {found.refused:,} refused, {others} others"
    )
    return row


def run(options: Options) -> list[Row]:
    """Measure all three."""
    limit = at_the_limit(options.seconds, options.connections)
    row = _limit_row(f"gateway at its limit for {options.seconds:g} s", limit)
    for what, values in (
        ("p99 ms", [one.result.p99_ms for one in limit.slices]),
        ("memory MB", [one.memory_mb for one in limit.slices]),
        ("per second", [one.result.per_second for one in limit.slices]),
    ):
        row.notes.append(f"{what} by tenths of the time: {', '.join(f'{value:,.1f}' for value in values)}")
    short = min(options.seconds, SHORT_SECONDS_MAX)
    burst = in_a_burst(limit.per_second * READ_SHARE, short)
    rows = [row]
    for name, found in (("before", burst.before), ("burst at 5x", burst.burst), ("after", burst.after)):
        rows.append(_offered_row(f"{name} (readers take {burst.read:,.0f} per second)", found))
    accepted = burst.before.answered + burst.burst.answered + burst.after.answered
    rows[-1].stored = f"{burst.stored:,} / {accepted:,}"
    rows[-1].notes.append(f"readers were below the bound {burst.recovered_seconds:.1f} s after the burst")
    for count in (1, 2):
        found = in_processes(count, short, options.connections)
        row = _limit_row(f"gateway, processes: {count}", found)
        row.per_second = [sum(one.result.per_second for one in found.slices)]
        rows.append(row)
    rows[-1].ratios, rows[-1].limit = [rows[-1].per_second[0] / rows[-2].per_second[0]], "one process"
    return rows


def main() -> None:
    """Run all briefly and print the findings as JSON."""
    seconds = float(sys.argv[1])
    limit = at_the_limit(seconds, 32, slices=4)
    burst = in_a_burst(limit.per_second * READ_SHARE, seconds)
    two = in_processes(2, seconds, 32)
    print(json.dumps({"limit": asdict(limit), "burst": asdict(burst), "two": asdict(two)}))


if __name__ == "__main__":
    main()
