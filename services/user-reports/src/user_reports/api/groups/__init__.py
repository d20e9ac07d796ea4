"""Error groups under `/issues/{id}/`."""

from fastapi import APIRouter

from user_reports.api.groups import detail, events

router = APIRouter(tags=["error groups"])
for module in (detail, events):
    router.include_router(module.router)
