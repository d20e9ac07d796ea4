"""Health checks at the paths of Sentry's protocol (protocol: http#endpoints)."""

import asyncio
from collections.abc import Iterable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from hearback_kit.health import Check

CHECKS_SECONDS_MAX = 3.0
router = APIRouter(tags=["health"])


@router.get("/api/0/relays/live/", operation_id="getRelayLive", summary="Whether the process is alive")
@router.get(
    "/api/relay/healthcheck/live/", operation_id="getRelayLiveness", summary="Whether the process is alive"
)
async def live() -> dict[str, bool]:
    """Return that the process is alive."""
    return {"is_healthy": True}


@router.get("/api/relay/healthcheck/ready/", operation_id="getRelayReadiness", summary="Whether it can keep data")
async def ready(request: Request) -> JSONResponse:
    """Return whether all checks pass; 503 if one fails."""
    healthy = await _all_pass(request.app.state.checks.values())
    return JSONResponse({"is_healthy": healthy}, status_code=200 if healthy else 503)


async def _all_pass(checks: Iterable[Check]) -> bool:
    try:
        async with asyncio.timeout(CHECKS_SECONDS_MAX):
            await asyncio.gather(*(check() for check in checks))
    except Exception:  # a check fails by raising, whatever it raises
        return False
    return True
