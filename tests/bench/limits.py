"""What quotas cost the gateway: feedback for a project without any, and for one with three that never bite."""

import asyncio

from hearback_contracts.config import KeyConfig, ProjectConfig, QuotaConfig, key_snapshot, project_snapshot
from hearback_kit.snapshots import SnapshotStore
from hearback_kit.valkey import connect

from tests.bench.gateway import AUTH, KEY, VARIANTS, feedback, serving, take_stored, valkey
from tests.bench.load import request, run_load
from tests.bench.model import Options, Row
from tests.bench.programs import cpu_seconds

LIMITED_KEY = KEY[::-1]
NEVER = 1_000_000_000
QUOTAS = tuple(
    QuotaConfig(id=scope, categories=("feedback",), scope=scope, limit=NEVER, window=3_600, reason_code=scope)
    for scope in ("organization", "project", "key")
)


async def _publish_limited(url: str) -> None:
    config = ProjectConfig(
        id=2,
        slug="limited",
        name="Limited",
        organization_id=1,
        organization_slug="bench",
        keys=(KeyConfig(id=2, public=LIMITED_KEY),),
        quotas=QUOTAS,
    )
    client = connect(url)
    await SnapshotStore(client).publish(
        {project_snapshot(2): config.model_dump_json().encode(), key_snapshot(LIMITED_KEY): b"2"}
    )
    await client.aclose()


def _requests(project: int, key: str) -> list[bytes]:
    headers = {"x-sentry-auth": AUTH.replace(KEY, key), "content-type": "application/x-sentry-envelope"}
    return [request(f"/api/{project}/envelope/", feedback(number), headers) for number in range(VARIANTS)]


def run(options: Options) -> list[Row]:
    """Measure both in turn, on one gateway."""
    without = Row("gateway, feedback without quotas (everysec)", [])
    limited = Row("gateway, feedback under three quotas (everysec)", [], [], "without", reach=">= 0.85")
    answered = stored = 0
    with valkey() as (url, folder):
        asyncio.run(_publish_limited(url))
        kinds = ((without, _requests(1, KEY)), (limited, _requests(2, LIMITED_KEY)))
        with serving(url, folder) as (port, pid):
            for _ in range(options.rounds):
                rates = []
                for row, requests in kinds:
                    before = cpu_seconds(pid)
                    result = run_load(port, requests, options.seconds, options.connections)
                    cpu = (cpu_seconds(pid) - before) * 1e6 / max(1, result.answered)
                    row.add(result.per_second, cpu, result.p50_ms, result.p99_ms)
                    rates.append(result.per_second)
                    answered += result.answered
                    stored += asyncio.run(take_stored(url, "feedback.submitted"))
                limited.ratios = [*limited.ratios, rates[1] / rates[0]]
    limited.stored = f"{stored:,} / {answered:,}"
    return [without, limited]
