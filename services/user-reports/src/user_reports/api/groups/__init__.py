"""Error groups under `/issues/{id}/`."""

from fastapi import APIRouter
from hearback_fleet.issues import under_both_paths

from user_reports.api.groups import detail, events

_issue = APIRouter(prefix="/issues/{issue}", tags=["error groups"])
for module in (detail, events):
    _issue.include_router(module.issue)
router = under_both_paths(_issue)
