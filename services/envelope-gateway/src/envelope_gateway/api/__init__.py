"""What the gateway answers: the ingest endpoints, as plain ASGI beside FastAPI."""
