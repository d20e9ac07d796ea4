"""Use cases, one per module: each is one transaction, or a series of them, without SQL and HTTP routes."""
