"""The highest rate that a fleet stores as fast as it accepts: found by short trials, shown over a long one."""

import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Protocol, Self

from hearback_devkit.engines.process import free_port

from tests.bench.load import run_load
from tests.bench.model import Row
from tests.bench.open_loop import Offered, filled
from tests.bench.programs import program

FIRST_RATE = 600.0
STEP = 1.3
TRIAL_SECONDS = 10.0
LONG_TRIALS_MAX = 5
NEAR = 1.04  # between rates that are near enough to end the search
LINGER_SECONDS = 2.2  # client-reports', with its batch: what is under way at any rate when the load ends
DRAIN_SECONDS_MAX = 1.0  # beyond that
COMPARED = 10_000
BARE_SECONDS = 3.0
SAMPLE_SECONDS = 0.25
STORED = 'hearback_consumer_messages_total{group="feedback",type="feedback.submitted"}'


Load = tuple[Offered, dict[str, float], float]


class LoadedFleet(Protocol):
    """What is needed of a running fleet."""

    def load(self, requests: list[bytes], rate: float, seconds: float) -> Load:
        """Offer a load; return what came of it, CPU µs per request by process, and seconds to drain."""

    def memory_mb(self) -> float:
        """Return what all processes take."""

    def url_of(self, service: str) -> str:
        """Return where a service answers."""


@dataclass
class Progress:
    """How many feedback are stored while the block runs, looked at again and again; times in seconds."""

    url: str
    stop: threading.Event = field(default_factory=threading.Event)
    samples: list[tuple[float, float]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._look()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self.stop.wait(SAMPLE_SECONDS):
            self._look()
        self._look()

    def _look(self) -> None:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        stored = next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(STORED)), 0.0)
        self.samples.append((time.perf_counter(), stored))

    def per_second(self, first: float, last: float) -> float:
        """Return the rate between two numbers of stored feedback, counted from the first look."""
        start = self.samples[0][1]
        times = [
            next((at for at, stored in self.samples if stored - start >= wanted), self.samples[-1][0])
            for wanted in (first, last)
        ]
        return (last - first) / max(times[1] - times[0], SAMPLE_SECONDS)

    @property
    def stored(self) -> float:
        """How many were stored while looking."""
        return self.samples[-1][1] - self.samples[0][1]


def bare_per_second(requests: list[bytes]) -> float:
    """Return what the bare app answers at saturation."""
    port, sent = free_port(), [filled(one) for one in requests]
    with program("tests.bench.bare", str(port), port=port, ready="/"):
        run_load(port, sent, 1.0, 32)
        return run_load(port, sent, BARE_SECONDS, 32).per_second


def sustained(fleet: LoadedFleet, requests: list[bytes], seconds: float) -> tuple[Row, float]:
    """Return the row of the highest rate that was kept up, and that rate (0 when none was)."""
    bare = bare_per_second(requests)
    fleet.load(requests, FIRST_RATE, TRIAL_SECONDS)
    too_high = FIRST_RATE * STEP
    while _keeps_up(fleet.load(requests, too_high, TRIAL_SECONDS)):
        too_high *= STEP
    found, kept_up = Row("stored as fast as accepted", [0], reach=">= 0.13"), 0.0
    rate = too_high / STEP**2  # the last one was kept up for seconds, which flatters
    for _ in range(LONG_TRIALS_MAX):
        progress, load, memory = _long_trial(fleet, requests, rate, seconds)
        if _keeps_up(load):
            found, kept_up = _row(progress, load, memory, (rate, bare)), rate
        else:
            too_high = rate
        if kept_up and too_high < kept_up * NEAR:
            break
        # The first rate that may be kept up is that at which the rest was stored: the more rows, the lower it is.
        rate = (kept_up + too_high) / 2 if kept_up else min(_stored_per_second(load), too_high / NEAR)
    return found, kept_up


def _long_trial(
    fleet: LoadedFleet, requests: list[bytes], rate: float, seconds: float
) -> tuple[Progress, Load, tuple[float, float]]:
    """Return what was stored meanwhile, what came of the load, and the memory before and after."""
    before = fleet.memory_mb()
    with Progress(fleet.url_of("feedback")) as progress:
        load = fleet.load(requests, rate, seconds)
    return progress, load, (before, fleet.memory_mb())


def _stored_per_second(load: Load) -> float:
    """Return the rate at which a load that was not kept up was stored in the end."""
    offered, _, drained = load
    return offered.answered / (offered.seconds + drained)


def _keeps_up(load: Load) -> bool:
    offered, _, drained = load
    return offered.answered == offered.sent and drained <= LINGER_SECONDS + DRAIN_SECONDS_MAX


def _row(progress: Progress, load: Load, memory: tuple[float, float], rates: tuple[float, float]) -> Row:
    offered, each, drained = load
    rate, bare = rates
    cores = {name: cost * 1e-6 * offered.sent / offered.seconds for name, cost in each.items()}
    most = sorted(cores.items(), key=lambda one: -one[1])[:6]
    part = min(COMPARED, progress.stored / 3)
    first, last = progress.per_second(0, part), progress.per_second(progress.stored - part, progress.stored)
    row = Row("stored as fast as accepted", [rate], ratios=[rate / bare], limit="bare's saturated rate")
    row.p50_ms, row.p99_ms = [offered.p50_ms], [offered.p99_ms]
    row.stored, row.reach = f"{progress.stored:,.0f} / {offered.answered:,}", ">= 0.13"
    row.notes = [
        f"over {offered.seconds:.0f} s, drained {drained:.2f} s after; the first {part:,.0f} at {first:,.0f}/s, "
        f"the last at {last:,.0f}/s; {memory[0]:,.0f} MB PSS before, {memory[1]:,.0f} after; bare {bare:,.0f}/s",
        f"cores in use: the fleet {sum(cores.values()):.2f}, of it {', '.join(f'{n} {c:.2f}' for n, c in most)}; "
        f"what offers the load {offered.cpu_seconds / offered.seconds:.2f}",
    ]
    return row
