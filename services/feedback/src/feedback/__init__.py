"""Store each submission as an ungrouped feedback issue, keep attachments, and serve both.

It owns the tables of the `feedback` database. It never reads another service's tables and never decides
about error events or user reports.
"""
