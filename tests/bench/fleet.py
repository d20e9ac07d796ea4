"""What one feedback costs the whole fleet, everything through its front door, beside a bare app at the same rates.

`python -m tests.bench.fleet --rates 100,700 --seconds 20 --mix feedback` prints a table by process.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hearback_devkit.engines.process import free_port

from tests.bench.model import Options, Row, machine, table
from tests.bench.open_loop import ID, NOW, Offered, envelope, offer
from tests.bench.processes import cpu_by_name, hearback, lag, pss_mb
from tests.bench.programs import cpu_seconds, program
from tests.bench.sustained import Progress, sustained

IDLE_SECONDS = 20
DRAIN_SECONDS_MAX = 120.0
DRAIN_LOOKS, DRAIN_LOOK_SECONDS = 4, 0.1
PROBE_PAUSE_SECONDS = 0.005
BOOKKEEPING = ("client-reports", "postgres client_reports")
SCREENSHOT = bytes(range(256)) * 200


def _feedback(message: str) -> bytes:
    return (
        b'{"type":"feedback","event_id":"' + ID + b'","timestamp":' + NOW + b',"platform":"javascript",'
        b'"environment":"production","release":"web@1.2.3","user":{"id":"7","email":"ada@example.com"},'
        b'"tags":{"plan":"free"},"request":{"url":"https://shop.example/orders"},"contexts":{"feedback":'
        b'{"message":"' + message.encode() + b'","contact_email":"ada@example.com","name":"Ada",'
        b'"url":"https://shop.example/orders","source":"widget"}}}'
    )


def mixes(facts: dict[str, Any]) -> dict[str, list[bytes]]:
    """Return the requests of each mix."""
    path = f"/api/{facts['project_id']}/envelope/?sentry_key={facts['public_key']}&sentry_version=7"
    headers = {"content-type": "text/plain;charset=UTF-8"}
    plain = envelope(path, [({"type": "feedback"}, _feedback("The export button does nothing"))], headers)
    shot = {
        "type": "attachment",
        "length": len(SCREENSHOT),
        "filename": "screenshot.png",
        "content_type": "image/png",
    }
    pictured = envelope(path, [({"type": "feedback"}, _feedback("See the picture")), (shot, SCREENSHOT)], headers)
    error = (
        b'{"event_id":"' + ID + b'","timestamp":' + NOW + b',"platform":"javascript","exception":{"values":[{'
        b'"type":"TypeError","value":"x is undefined","stacktrace":{"frames":[{"function":"f"}]}}]}}'
    )
    report = b'{"event_id":"' + ID + b'","name":"Ada","email":"ada@example.com","comments":"It broke"}'
    reported = envelope(path, [({"type": "event"}, error), ({"type": "user_report"}, report)], headers)
    discards = (
        b'{"timestamp":'
        + NOW
        + b',"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":2}]}'
    )
    client = envelope(path, [({"type": "client_report"}, discards)], headers)
    return {"feedback": [plain], "mix": [plain, pictured, reported, client]}


@dataclass
class Probe:
    """Posts a feedback now and then and waits until it can be read; times in milliseconds."""

    facts: dict[str, Any]
    pause: float
    stop: threading.Event = field(default_factory=threading.Event)
    readable: list[float] = field(default_factory=list)
    fate: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Probe until stopped."""
        while not self.stop.wait(self.pause):
            event_id = uuid.uuid4().hex
            start = time.perf_counter()
            self._post(event_id)
            place = f"/api/0/projects/{self.facts['organization']}/{self.facts['project']}"
            self.readable.append(self._until(start, f"{place}/events/{event_id}/", bool))
            stored = self._until(start, f"{place}/submissions/{event_id}/", lambda body: body["state"] == "stored")
            self.fate.append(stored)

    def _post(self, event_id: str) -> None:
        body = b'{"event_id":"' + event_id.encode() + b'"}\n{"type":"feedback"}\n'
        payload = _feedback("A probe").replace(ID, event_id.encode()).replace(NOW, str(time.time()).encode())
        url = f"{self.facts['url']}/api/{self.facts['project_id']}/envelope/?sentry_key={self.facts['public_key']}"
        urllib.request.urlopen(urllib.request.Request(url, body + payload), timeout=10).read()

    def _until(self, start: float, path: str, is_there: Callable[[Any], bool]) -> float:
        request = urllib.request.Request(
            self.facts["url"] + path, headers={"Authorization": f"Bearer {self.facts['token']}"}
        )
        while time.perf_counter() - start < 30:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    if is_there(json.load(answer)):
                        break
            except urllib.error.HTTPError as error:
                error.close()
            time.sleep(PROBE_PAUSE_SECONDS)
        return (time.perf_counter() - start) * 1e3


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def _times(values: list[float]) -> str:
    return f"{_percentile(values, 0.5):,.0f} / {_percentile(values, 0.99):,.0f} ms"


@dataclass
class Fleet:
    """A running fleet, and its idle cost in CPU seconds per second by process."""

    place: Path
    facts: dict[str, Any]
    status: dict[str, Any]
    idle: dict[str, float] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The front door's port."""
        return int(self.facts["url"].rsplit(":", 1)[1])

    def measure_idle(self) -> float:
        """Measure what nothing costs; return it as a share of a core."""
        time.sleep(30)  # what starting took is given back
        before = cpu_by_name(self.status)
        time.sleep(IDLE_SECONDS)
        after = cpu_by_name(self.status)
        self.idle = {
            name: (after.get(name, 0.0) - before.get(name, 0.0)) / IDLE_SECONDS for name in {*before, *after}
        }
        return sum(self.idle.values())

    def memory_mb(self) -> float:
        """Return what all processes take."""
        return pss_mb(int(self.status["pid"]))

    def url_of(self, service: str) -> str:
        """Return where a service answers."""
        return str(next(one["url"] for one in self.status["services"] if one["name"] == service))

    def load(self, requests: list[bytes], rate: float, seconds: float) -> tuple[Offered, dict[str, float], float]:
        """Offer a load; return what came of it, CPU µs per request by process, and seconds to drain."""
        before, start = cpu_by_name(self.status), time.perf_counter()
        offered = offer(self.port, requests, rate, seconds)
        drained = self.drain()
        spent, taken = cpu_by_name(self.status), time.perf_counter() - start
        each = {
            name: 1e6
            * (spent.get(name, 0.0) - before.get(name, 0.0) - self.idle.get(name, 0.0) * taken)
            / offered.sent
            for name in {*before, *spent}
        }
        return offered, each, drained

    def probe(self, requests: list[bytes], rate: float, seconds: float) -> Probe:
        """Probe under a load of its own, since looking costs, too."""
        probe = Probe(self.facts, pause=0.2)
        thread = threading.Thread(target=probe.run)
        thread.start()
        offer(self.port, requests, rate, seconds)
        probe.stop.set()
        thread.join()
        self.drain()
        return probe

    def drain(self) -> float:
        """Wait until no message waits, nor comes within some looks; return how long that took."""
        start = time.perf_counter()
        emptied: list[float] = []
        while len(emptied) < DRAIN_LOOKS and time.perf_counter() - start < DRAIN_SECONDS_MAX:
            emptied = [] if lag(self.place) else [*emptied, time.perf_counter() - start]
            time.sleep(DRAIN_LOOK_SECONDS)
        return emptied[0] if emptied else DRAIN_SECONDS_MAX


def _bare(rate: float, seconds: float, requests: list[bytes]) -> float:
    """CPU µs of the bare app per request at this rate."""
    port = free_port()
    with program("tests.bench.bare", str(port), port=port, ready="/") as pid:
        offer(port, requests, rate, 1)
        before = cpu_seconds(pid)
        offered = offer(port, requests, rate, seconds)
        return 1e6 * (cpu_seconds(pid) - before) / offered.sent


def _row(fleet: Fleet, mix: str, requests: list[bytes], rate: float, seconds: float) -> Row:
    bare = _bare(rate, seconds, requests)
    offered, each, drained = fleet.load(requests, rate, seconds)
    probe = fleet.probe(requests, rate, min(seconds, 8.0))
    total = sum(each.values())
    row = Row(f"{mix} at {rate:,.0f}/s", [offered.answered / offered.seconds], limit="bare at that rate")
    row.ratios, row.cpu_us = [total / bare], [total]
    row.p50_ms, row.p99_ms = [offered.p50_ms], [offered.p99_ms]
    row.stored = f"{offered.answered:,} / {offered.sent:,}"
    parts = ", ".join(f"{name} {cost:,.0f}" for name, cost in sorted(each.items(), key=lambda item: -item[1])[:9])
    books = sum(each.get(name, 0.0) for name in BOOKKEEPING)
    row.notes = [
        f"CPU µs by process: {parts}; bookkeeping {books / total:.0%}; bare {bare:,.0f}",
        f"POST to readable p50 / p99 {_times(probe.readable)}; fate {_times(probe.fate)} "
        f"({len(probe.readable)} probes); drained after {drained:.2f} s",
    ]
    return row


def _burst_row(fleet: Fleet, requests: list[bytes], burst: int, kept_up: float) -> Row:
    with Progress(fleet.url_of("feedback")) as progress:
        sent = time.perf_counter()
        offered = offer(fleet.port, requests, 1e6, burst / 1e6)
        fleet.drain()
        drained = time.perf_counter() - sent
    per_second = progress.per_second(0, progress.stored)
    row = Row(f"a burst of {burst:,}, stored", [per_second])
    row.stored = f"{progress.stored:,.0f} / {offered.answered:,}"
    row.notes = [f"all of it, with its fate, after {drained:.1f} s: {burst / drained:,.0f}/s"]
    if kept_up:
        row.ratios, row.limit, row.reach = [per_second / kept_up], "the rate that was kept up", ">= 1"
    return row


def measure(rates: list[float], seconds: float, mix: str, burst: int, long_seconds: float = 0) -> list[Row]:
    """Start a fleet, measure it and stop it: at each rate, at the highest it keeps up, and with a burst."""
    with tempfile.TemporaryDirectory(prefix="hearback-bench-") as folder:
        Path(folder).chmod(0o755)
        place, began = Path(folder) / "data", time.monotonic()
        facts = hearback(place, "up", "--detach", "--port", str(free_port()))
        ready = time.monotonic() - began
        try:
            fleet = Fleet(place, facts, hearback(place, "status"))
            idle = fleet.measure_idle()
            memory = fleet.memory_mb()
            start = Row(
                "the whole fleet with both engines, starts", [1 / ready], reach="ready <= 10 s, <= 400 MB PSS"
            )
            start.notes = [f"ready after {ready:.1f} s; idle {idle:.1%} of a core, {memory:.0f} MB PSS"]
            requests = mixes(facts)[mix]
            rows = [start, *(_row(fleet, mix, requests, rate, seconds) for rate in rates)]
            kept_up = 0.0
            if long_seconds:
                row, kept_up = sustained(fleet, requests, long_seconds)
                rows.append(row)
            if burst:
                rows.append(_burst_row(fleet, requests, burst, kept_up))
            return rows
        finally:
            hearback(place, "down")


def run(options: Options) -> list[Row]:
    """Measure at two rates and a small burst."""
    return measure([100, 700], max(10.0, options.seconds), "feedback", 5_000)


def main() -> None:
    """Measure as the command line says and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fleet", description=__doc__)
    parser.add_argument("--rates", default="5,100,400,700", help="requests per second, separated by commas")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--mix", choices=["feedback", "mix"], default="feedback")
    parser.add_argument("--burst", type=int, default=20_000)
    parser.add_argument(
        "--sustained", type=float, default=60, help="seconds at the highest rate that is kept up; 0: not measured"
    )
    given = parser.parse_args()
    rates = [float(rate) for rate in given.rates.split(",") if rate]
    rows = measure(rates, given.seconds, given.mix, given.burst, given.sustained)
    sys.stdout.write(f"Machine: {machine()}, load {os.getloadavg()[0]:.1f} at the end.\n\n{table(rows)}\n")


if __name__ == "__main__":
    main()
