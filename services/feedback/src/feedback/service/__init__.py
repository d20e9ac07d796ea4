"""Use cases, one per module: each is one transaction (or a row of them), without SQL and without HTTP routes."""
