"""The inbox: list, detail, triage, and details that are loaded later."""

from fastapi import APIRouter

from feedback.pages import inbox, news, old_addresses, related, triage
from feedback.pages.deps import PAGES

router = APIRouter(include_in_schema=False)
for page in (inbox, triage, related, news, old_addresses):
    router.include_router(page.router)
