"""Two gateways against one, where neither generator nor Valkey is what ends: each has a fixed share of a core.

On two cores, two gateways at their limit leave no room for what offers and what stores. So each gateway gets a CPU
quota of its own (a control group of Linux), small enough that the others have all they need: then the throughput
of two shows what a second process brings. And each is offered the same rate without a quota: what a request costs
then shows whether two processes hinder each other. Needs control groups that may be written to.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.bench.endurance import Reader, gateways
from tests.bench.gateway import kinds, valkey
from tests.bench.load import run_load
from tests.bench.model import Options, Row
from tests.bench.open_loop import offer
from tests.bench.programs import cpu_seconds

SHARES = (0.05, 0.1)  # of a core, for each gateway
PERIOD_US = 20_000
RATE = 500.0  # per second, of each gateway
VERSION_1, VERSION_2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")

Gate = tuple[int, int]


@contextmanager
def held_to(pid: int, share: float) -> Iterator[None]:
    """Let a process have at most a share of a core. Raises OSError where that cannot be set."""
    base = VERSION_1 if VERSION_1.is_dir() else VERSION_2
    quota = int(share * PERIOD_US)
    group = base / f"hearback-bench-{os.getpid()}-{pid}"
    group.mkdir()
    try:
        if base == VERSION_1:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        (base / "cgroup.procs").write_text(str(pid))
        group.rmdir()


class Measured:
    """The rows of one and of two gateways under one condition."""

    def __init__(self, condition: str, reach: str) -> None:
        self.one, self.two = (
            Row(f"{name}, {condition}", [], cpu_us=[], p50_ms=[], p99_ms=[])
            for name in ("1 gateway", "2 gateways")
        )
        self.two.limit, self.two.reach = "one", reach

    def limit(self, gates: Sequence[Gate], options: Options) -> None:
        """Keep all connections of these gateways busy; each gateway has as many."""
        row = self.one if len(gates) == 1 else self.two
        before = _used(gates)
        with ThreadPoolExecutor(len(gates)) as pool:
            runs = [
                pool.submit(run_load, port, kinds()[0].requests, options.seconds, options.connections)
                for port, _ in gates
            ]
            results = [run.result() for run in runs]
        answered = sum(one.answered for one in results)
        cpu_us = (_used(gates) - before) * 1e6 / answered
        rate = sum(one.per_second for one in results)
        row.add(rate, cpu_us, max(one.p50_ms for one in results), max(one.p99_ms for one in results))
        row.notes += [f"{one.failed} answers were not 2xx" for one in results if one.failed]
        self._compare(rate)

    def offered(self, gates: Sequence[Gate], options: Options) -> None:
        """Offer `RATE` to each of these gateways."""
        row = self.one if len(gates) == 1 else self.two
        before = _used(gates)
        with ThreadPoolExecutor(len(gates)) as pool:
            runs = [pool.submit(offer, port, kinds()[0].requests, RATE, options.seconds) for port, _ in gates]
            results = [run.result() for run in runs]
        answered = sum(one.answered for one in results)
        cpu_us = (_used(gates) - before) * 1e6 / answered
        rate = answered / max(one.seconds for one in results)
        row.add(rate, cpu_us, max(one.p50_ms for one in results), max(one.p99_ms for one in results))
        self._compare(rate)

    def _compare(self, rate: float) -> None:
        if len(self.two.per_second) == len(self.one.per_second):
            self.two.ratios = [*self.two.ratios, rate / self.one.per_second[-1]]


def _used(gates: Sequence[Gate]) -> float:
    return sum(cpu_seconds(pid) for _, pid in gates)


def run(options: Options) -> list[Row]:
    """Measure one and two in turn, for each share and at one rate."""
    found = []
    with valkey() as (url, folder), Reader(url).running(), gateways(2, url, folder) as gates:
        for share in SHARES:
            measured = Measured(f"each held to {share:.0%} of a core", ">= 1.8")
            found.append(measured)
            for _ in range(options.rounds):
                with held_to(gates[0][1], share), held_to(gates[1][1], share):
                    measured.limit(gates[:1], options)
                    measured.limit(gates, options)
        measured = Measured(f"each offered {RATE:,.0f} per second", "CPU as of one")
        found.append(measured)
        for _ in range(options.rounds):
            measured.offered(gates[:1], options)
            measured.offered(gates, options)
    return [row for measured in found for row in (measured.one, measured.two)]
