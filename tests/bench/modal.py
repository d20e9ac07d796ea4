"""The crash-report dialog against a bare server: its script, its 304, and its form made durable."""

import asyncio
import contextlib
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlencode

from hearback_contracts.streams import USER_REPORT_SUBMITTED
from hearback_devkit.engines import ValkeyEngine, engine_scratch_directory
from hearback_devkit.engines.process import free_port
from hearback_devkit.fleet import public_key
from hearback_devkit.fleet import publish_project as publish
from hearback_kit.valkey import connect

from tests.bench.load import Result, request, run_load
from tests.bench.model import Options, Row
from tests.bench.programs import cpu_seconds, program

SHARDS = 4
VARIANTS = 256
PATH = "/api/embed/error-page/"
LIMIT = 1_000_000_000
HEADERS = {"accept": "*/*", "accept-encoding": "gzip, deflate, br, zstd", "accept-language": "en-US,en;q=0.9"}
PAGE = {"origin": "https://shop.example"}


def _target(number: int) -> str:
    query = {"dsn": f"http://{public_key(1)}@errors.example/1", "eventId": f"{number:032x}", "name": "Jane Doe"}
    return f"{PATH}?{urlencode(query)}"


def _get(target: str, headers: dict[str, str]) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _scripts() -> list[bytes]:
    return [_get(_target(number), HEADERS | PAGE) for number in range(VARIANTS)]


def _unchanged(port: int) -> list[bytes]:
    """Requests for scripts that the browser has: each with its ETag."""
    found = []
    for number in range(VARIANTS):
        target = _target(number)
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}{target}", headers=HEADERS | {"host": "bench"} | PAGE
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            found.append(_get(target, HEADERS | PAGE | {"if-none-match": answer.headers["etag"]}))
    return found


def _forms() -> list[bytes]:
    headers = PAGE | {"content-type": "application/x-www-form-urlencoded"}
    form = {
        "name": "Jane Doe",
        "email": "jane@example.com",
        "comments": "I paid, and nothing happened.",
        "elapsed": 9000,
    }
    return [request(_target(number), urlencode(form).encode(), headers) for number in range(VARIANTS)]


async def _prepare(url: str) -> None:
    client = connect(url)
    await publish(client)
    await client.aclose()


async def _stored(url: str) -> int:
    client = connect(url)
    try:
        return sum([await client.xlen(key) for key in USER_REPORT_SUBMITTED.shard_keys(SHARDS)])
    finally:
        await client.aclose()


@contextlib.contextmanager
def _servers(redis_url: str) -> Iterator[tuple[int, int, int]]:
    """Bare and ours; yields their ports and our process id."""
    bare, ours = free_port(), free_port()
    limits = ("scripts_per_address", "posts_per_address", "scripts_per_project", "posts_per_project")
    env = {f"CRASH_EMBED_{name.upper()}_MAX": str(10_000_000) for name in limits}
    env |= {
        "CRASH_EMBED_PORT": str(ours),
        "CRASH_EMBED_STREAM_ENTRIES_MAX": str(100_000_000),
        "HEARBACK_REDIS_URL": redis_url,
        "HEARBACK_STREAM_SHARDS": str(SHARDS),
        "HEARBACK_LOG_LEVEL": "warning",
    }
    with (
        program("tests.bench.bare", str(bare), port=bare, ready="/"),
        program("crash_embed", "serve", port=ours, ready="/healthz", env=env) as pid,
    ):
        yield bare, ours, pid


def _measure(row: Row, port: int, pid: int, requests: list[bytes], options: Options) -> Result:
    before = cpu_seconds(pid)
    result = run_load(port, requests, options.seconds, options.connections)
    count = result.answered + result.failed  # the load counts 304 as failed
    cpu_us = (cpu_seconds(pid) - before) / count * 1e6
    row.add(count / result.seconds, cpu_us, result.p50_ms, result.p99_ms)
    return result


def run(options: Options) -> list[Row]:
    """Measure each kind beside the bare server, round by round."""
    script = Row("modal script, gzip", (), limit="bare")
    unchanged = Row("modal script, 304", (), limit="bare")
    form = Row("modal form (everysec)", (), limit="bare")
    with (
        engine_scratch_directory() as folder,
        ValkeyEngine(folder / "valkey", appendfsync="everysec") as valkey,
    ):
        asyncio.run(_prepare(valkey.url))
        with _servers(valkey.url) as (bare, ours, pid):
            kinds = [(script, _scripts()), (unchanged, _unchanged(ours)), (form, _forms())]
            answered = 0
            for _ in range(options.rounds):
                for row, requests in kinds:
                    limit = run_load(bare, requests, options.seconds, options.connections).per_second
                    result = _measure(row, ours, pid, requests, options)
                    row.ratios = [*row.ratios, row.per_second[-1] / limit]
                    answered += result.answered if row is form else 0
        form.stored = f"{asyncio.run(_stored(valkey.url))} / {answered}"
    return [script, unchanged, form]
