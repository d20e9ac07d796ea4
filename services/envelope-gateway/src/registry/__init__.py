"""The registry: organizations, projects, keys, options, flags, quotas, members, tokens and sessions.

It owns the database `envelope_gateway` and writes each change through to Valkey as snapshots, which
all services follow; the ingest path never asks it.
"""
