"""Feedback issues: lists, bulk changes, exports, and single issues."""

from fastapi import APIRouter

from feedback.api.issues import collection, details, lists

router = APIRouter()
for module in (lists, collection, details):
    router.include_router(module.router)
