"""The inbox: list, detail, triage, and details that are loaded later."""

from fastapi import APIRouter

from feedback.pages.beside import router as beside
from feedback.pages.deps import PAGES
from feedback.pages.inbox import router as inbox
from feedback.pages.news import router as news
from feedback.pages.old_addresses import router as old_addresses
from feedback.pages.triage import router as triage

router = APIRouter(include_in_schema=False)
for part in (inbox, triage, beside, news, old_addresses):
    router.include_router(part)
