"""HTTP: reports, error groups, error events, and what other services ask."""
