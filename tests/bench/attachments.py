"""Attachments of 1 MiB against a bare app that writes the same bytes to a file, and memory under large ones."""

import asyncio
import json
import random
import threading
from pathlib import Path

from hearback_devkit.engines.process import free_port

from tests.bench.gateway import AUTH, serving, take_stored, valkey
from tests.bench.load import request, run_load
from tests.bench.model import Options, Row
from tests.bench.programs import cpu_seconds, peak_memory_mb, program

MIB = 1024 * 1024
LARGE_MIB = 100
LARGE_AT_ONCE = 20
PATH = "/api/1/envelope/"
HEADERS = {"x-sentry-auth": AUTH}


def _envelope(number: int, size: int) -> bytes:
    event_id = random.Random(number).randbytes(16).hex()
    data = random.Random(number + 1).randbytes(min(size, MIB)) * max(1, size // MIB)
    head = {"type": "attachment", "length": len(data), "filename": f"{number}.bin"}
    return f'{{"event_id":"{event_id}"}}\n{json.dumps(head)}\n'.encode() + data


def _rate(options: Options, url: str, folder: Path, gate: tuple[int, int]) -> list[Row]:
    requests = [request(PATH, _envelope(number, MIB), HEADERS) for number in range(16)]
    limit = Row("bare app writing 1 MiB to a file", [], cpu_us=[], p50_ms=[], p99_ms=[])
    row = Row("gateway, 1 MiB attachment (everysec)", [], [], "bare", [], [], [])
    answered = 0
    port = free_port()
    with program("tests.bench.writing", str(port), str(folder / "bare"), port=port, ready="/") as pid:
        for _ in range(options.rounds):
            pair = []
            for target, (target_port, target_pid) in ((limit, (port, pid)), (row, gate)):
                before = cpu_seconds(target_pid)
                result = run_load(target_port, requests, options.seconds, 8)
                cpu = (cpu_seconds(target_pid) - before) * 1e6 / max(1, result.answered)
                target.add(result.per_second, cpu, result.p50_ms, result.p99_ms)
                pair.append(result)
            row.ratios = [*row.ratios, pair[1].per_second / pair[0].per_second]
            answered += pair[1].answered
    row.stored = f"{asyncio.run(take_stored(url, 'attachment.stored')):,} / {answered:,}"
    return [limit, row]


def _memory(gate: tuple[int, int]) -> Row:
    """One large attachment, then many at once: what the gateway's peak memory grows by."""
    port, pid = gate
    body = request(PATH, _envelope(1, LARGE_MIB * MIB), HEADERS)
    before = peak_memory_mb(pid)
    first = run_load(port, [body], 0, 1)
    after_one = peak_memory_mb(pid)
    results = []

    def send() -> None:
        results.append(run_load(port, [body], 0, LARGE_AT_ONCE))

    sender = threading.Thread(target=send)
    sender.start()
    sender.join()
    after_many = peak_memory_mb(pid)
    row = Row(f"gateway, {LARGE_MIB} MiB attachments", [first.per_second], p50_ms=[first.p50_ms])
    row.notes.append(
        f"peak memory {before:.0f} MB before, {after_one:.0f} MB after one, {after_many:.0f} MB after "
        f"{LARGE_AT_ONCE} at once ({results[0].answered} kept, {results[0].failed} refused)"
    )
    return row


def run(options: Options) -> list[Row]:
    """Measure the rate of small ones and the memory of large ones."""
    with valkey() as (url, folder), serving(url, folder) as gate:
        return [*_rate(options, url, folder, gate), _memory(gate)]
