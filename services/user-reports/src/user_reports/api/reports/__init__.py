"""Reports under `…/user-feedback/` and `…/user-reports/`."""

from fastapi import APIRouter

from user_reports.api.reports import listing, posting, removal

router = APIRouter(tags=["reports"])
for module in (posting, listing, removal):
    router.include_router(module.router)
