"""Turns a submission into an ungrouped feedback issue, keeps attachments, and serves both.

It owns the tables of the `feedback` database. It never reads another service's tables and never decides
about error events or user reports.
"""
