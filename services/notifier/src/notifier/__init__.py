"""Decides by named rules who is notified of a feedback, and delivers mail and webhooks; judges and stores none."""
