"""Use cases of ingestion. No HTTP: what they need of a request is in `domain.request_head`."""
