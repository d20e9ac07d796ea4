"""Health checks: alive if the process answers, ready if all dependencies do."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from hearback_kit.telemetry import METRICS_CONTENT_TYPE, render_metrics

Check = Callable[[], Awaitable[None]]
CHECK_SECONDS_MAX = 3.0


async def _run(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            await check()
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # a check fails by raising, whatever it raises
        return str(error) or type(error).__name__
    return "ok"


def health_routes(service: str, version: str, checks: Mapping[str, Check]) -> APIRouter:
    """Return the routes `/healthz`, `/readyz`, `/version` and `/metrics` for a service."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", operation_id="getHealth", summary="Whether the process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "service": service}

    @router.get("/readyz", operation_id="getReadiness", summary="Whether every dependency answers")
    async def readyz() -> JSONResponse:
        names = list(checks)
        results = await asyncio.gather(*(_run(checks[name]) for name in names))
        found = dict(zip(names, results, strict=True))
        ready = all(result == "ok" for result in results)
        body: dict[str, Any] = {"status": "ok" if ready else "unavailable", "service": service, "checks": found}
        return JSONResponse(body, status_code=200 if ready else 503)

    @router.get("/version", operation_id="getVersion", summary="The running version")
    async def get_version() -> dict[str, str]:
        return {"service": service, "version": version}

    @router.get("/metrics", operation_id="getMetrics", summary="Metrics in Prometheus' format")
    async def metrics() -> Response:
        return Response(render_metrics(), media_type=METRICS_CONTENT_TYPE)

    return router
