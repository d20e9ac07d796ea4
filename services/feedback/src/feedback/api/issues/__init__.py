"""Feedback issues: lists, bulk changes, exports, and single issues."""

from fastapi import APIRouter

from feedback.api.issues.collection import router as collection
from feedback.api.issues.details import router as details
from feedback.api.issues.lists import router as lists

router = APIRouter()
router.include_router(lists)
router.include_router(collection)
router.include_router(details)
