"""Plumbing for services: settings, logs, database, streams, HTTP. Knows no word of the domain."""
