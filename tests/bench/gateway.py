"""The gateway against a bare server, by kind of envelope and by how durable Valkey is set to be."""

import asyncio
import gzip
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hearback_contracts.config import KeyConfig, ProjectConfig, key_snapshot, project_snapshot
from hearback_contracts.streams import STREAMS
from hearback_devkit.engines import ValkeyEngine, engine_scratch_directory
from hearback_devkit.engines.process import free_port
from hearback_kit.snapshots import SnapshotStore
from hearback_kit.valkey import connect

from tests.bench.load import Result, request, run_load
from tests.bench.model import Options, Row
from tests.bench.programs import cpu_seconds, program

KEY = "0123456789abcdef0123456789abcdef"
AUTH = f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=bench/1.0"
VARIANTS = 256
SHARDS = 4


@dataclass(frozen=True)
class Kind:
    """A kind of request: its name, its bodies, the stream that counts them, what is to be reached."""

    name: str
    requests: list[bytes]
    stream: str
    reach: dict[str, float]
    cpu_us_max: float | None = None


def _id(number: int) -> str:
    return random.Random(number).randbytes(16).hex()


def feedback(number: int) -> bytes:
    """An envelope as the browser SDK sends it, about 0.8 KB."""
    event = {
        "type": "feedback",
        "level": "info",
        "event_id": _id(number),
        "timestamp": 1764000000.5,
        "platform": "javascript",
        "release": "web@1.2.3",
        "environment": "production",
        "request": {"url": "https://example.com/checkout", "headers": {"User-Agent": "Mozilla/5.0"}},
        "contexts": {
            "feedback": {
                "message": f"The button {number} does nothing when I press it.",
                "contact_email": "someone@example.com",
                "name": "Some One",
                "url": "https://example.com/checkout",
                "source": "widget",
            },
            "trace": {"trace_id": _id(number + 1), "span_id": _id(number)[:16]},
        },
    }
    sdk = {"name": "sentry.javascript.browser", "version": "10.78.0"}
    head = {"event_id": _id(number), "sent_at": "2026-11-24T12:00:00.000Z", "sdk": sdk}
    return f'{json.dumps(head)}\n{{"type":"feedback"}}\n{json.dumps(event)}'.encode()


def _frame(number: int) -> dict[str, Any]:
    return {
        "filename": f"app/module_{number}.py",
        "abs_path": f"/srv/app/app/module_{number}.py",
        "function": f"function_{number}",
        "module": f"app.module_{number}",
        "lineno": number,
        "in_app": number % 2 == 0,
        "pre_context": [f"    value_{line} = compute({line}, {number})" for line in range(4)],
        "context_line": "    raise ValueError(message)",
        "post_context": [f"    other_{line} = compute({line})" for line in range(4)],
        "vars": {"self": "<app.Thing object>", "count": str(number), "name": f"'value {number}'"},
    }


def _error(number: int) -> bytes:
    frames = [_frame(index) for index in range(29)]
    event = {
        "event_id": _id(number),
        "timestamp": "2026-11-24T12:00:00.000000Z",
        "platform": "python",
        "level": "error",
        "environment": "production",
        "release": "api@1.2.3",
        "user": {"id": "5", "email": "someone@example.com"},
        "tags": {"region": "eu", "plan": "pro"},
        "request": {"url": "https://example.com/api/orders"},
        "contexts": {"trace": {"trace_id": _id(number + 1), "span_id": _id(number)[:16]}},
        "exception": {
            "values": [{"type": "ValueError", "value": f"bad {number}", "stacktrace": {"frames": frames}}]
        },
        "breadcrumbs": {"values": [{"message": f"step {step}", "category": "http"} for step in range(40)]},
    }
    payload = json.dumps(event).encode()
    head = {"event_id": _id(number), "sent_at": "2026-11-24T12:00:00.000000Z"}
    item = {"type": "event", "content_type": "application/json", "length": len(payload)}
    return gzip.compress(json.dumps(head).encode() + b"\n" + json.dumps(item).encode() + b"\n" + payload + b"\n")


def _client_report(number: int) -> bytes:
    report = {
        "timestamp": 1764000000 + number,
        "discarded_events": [{"reason": "sample_rate", "category": "error", "quantity": number}],
    }
    return f'{{}}\n{{"type":"client_report"}}\n{json.dumps(report)}'.encode()


def kinds() -> list[Kind]:
    """What is sent."""
    path = "/api/1/envelope/"
    plain = {"x-sentry-auth": AUTH, "content-type": "application/x-sentry-envelope"}
    packed = plain | {"content-encoding": "gzip"}
    numbers = range(VARIANTS)
    return [
        Kind(
            "feedback",
            [request(path, feedback(number), plain) for number in numbers],
            "feedback.submitted",
            {"everysec": 0.40, "always": 0.25},
            60,
        ),
        Kind(
            "error 20 KB, gzip",
            [request(path, _error(number), packed) for number in numbers],
            "error-event.received",
            {"everysec": 0.20},
            110,
        ),
        Kind(
            "client report",
            [request(path, _client_report(number), plain) for number in numbers],
            "client-report.received",
            {"everysec": 0.45},
        ),
    ]


async def publish_project(url: str) -> None:
    """Publish the project that all requests are for."""
    config = ProjectConfig(
        id=1,
        slug="web",
        name="Web",
        organization_id=1,
        organization_slug="bench",
        keys=(KeyConfig(id=1, public=KEY),),
    )
    client = connect(url)
    await SnapshotStore(client).publish(
        {project_snapshot(1): config.model_dump_json().encode(), key_snapshot(KEY): b"1"}
    )
    await client.aclose()


async def take_stored(url: str, stream: str) -> int:
    """Count the entries of a stream and empty all streams."""
    client = connect(url)
    stored = 0
    for one in STREAMS:
        for key in one.shard_keys(SHARDS):
            if one.name == stream:
                stored += await client.xlen(key)
            await client.delete(key)
    await client.aclose()
    return stored


@contextmanager
def valkey(appendfsync: Literal["always", "everysec"] = "everysec") -> Iterator[tuple[str, Path]]:
    """A Valkey with the project: its URL, and a folder."""
    with (
        engine_scratch_directory() as folder,
        ValkeyEngine(folder / "valkey", appendfsync=appendfsync) as engine,
    ):
        asyncio.run(publish_project(engine.url))
        yield engine.url, folder


@contextmanager
def serving(url: str, folder: Path, more: Mapping[str, str] | None = None) -> Iterator[tuple[int, int]]:
    """A gateway process: its port and process id; `more` goes into its environment."""
    port = free_port()
    env = {
        "HEARBACK_REDIS_URL": url,
        "HEARBACK_STREAM_SHARDS": str(SHARDS),
        "HEARBACK_BLOB_URL": f"file://{folder}/blobs",
        "HEARBACK_DATA_DIR": str(folder),
        "HEARBACK_LOG_LEVEL": "warning",
        "ENVELOPE_GATEWAY_PORT": str(port),
        **(more or {}),
    }
    with program("envelope_gateway", "serve", port=port, ready="/readyz", env=env) as pid:
        yield port, pid


def _measure(options: Options, port: int, pid: int, kind: Kind) -> tuple[Result, float]:
    before = cpu_seconds(pid)
    result = run_load(port, kind.requests, options.seconds, options.connections)
    return result, (cpu_seconds(pid) - before) * 1e6 / max(1, result.answered)


def _rows(
    options: Options, kind: Kind, mode: str, url: str, bare: tuple[int, int], gate: tuple[int, int]
) -> list[Row]:
    limit = Row(f"bare uvicorn, body of {kind.name} ({mode} run)", [], cpu_us=[], p50_ms=[], p99_ms=[])
    reach = f">= {kind.reach[mode]:.2f}" if mode in kind.reach else ""
    if kind.cpu_us_max:
        reach += f", <= {kind.cpu_us_max:.0f} µs"
    row = Row(f"gateway, {kind.name} ({mode})", [], [], "bare", [], [], [], reach=f"{reach}, p99 <= 20 ms")
    answered = stored = 0
    for _ in range(options.rounds):
        pair = []
        for target, (port, pid) in ((limit, bare), (row, gate)):
            result, cpu = _measure(options, port, pid, kind)
            target.add(result.per_second, cpu, result.p50_ms, result.p99_ms)
            pair.append(result)
        row.ratios = [*row.ratios, pair[1].per_second / pair[0].per_second]
        answered += pair[1].answered
        stored += asyncio.run(take_stored(url, kind.stream))
        if pair[1].failed:
            row.notes.append(f"{pair[1].failed} answers were not 2xx")
    row.stored = f"{stored:,} / {answered:,}"
    return [limit, row]


def run(options: Options) -> list[Row]:
    """Measure every kind under both ways of syncing."""
    rows: list[Row] = []
    port = free_port()
    with program("tests.bench.bare", str(port), port=port, ready="/") as pid:
        modes: tuple[Literal["everysec", "always"], ...] = ("everysec", "always")
        for mode in modes:
            with valkey(mode) as (url, folder), serving(url, folder) as gate:
                for kind in kinds():
                    rows += _rows(options, kind, mode, url, (port, pid), gate)
    return rows
