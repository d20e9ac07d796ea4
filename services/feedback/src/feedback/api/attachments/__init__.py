"""Attachments of feedback and of error events."""

from feedback.api.attachments.routes import router
