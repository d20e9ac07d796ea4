"""Every metric of the gateway, declared once."""

from prometheus_client import Counter

REQUESTS = Counter("envelope_gateway_requests", "Ingest requests by endpoint and status.", ["endpoint", "status"])
COMMIT_REFUSALS = Counter(
    "envelope_gateway_commit_refusals", "Requests refused because nothing could be kept.", ["cause"]
)
CRASHES = Counter("envelope_gateway_crashes", "Requests that met an error nobody foresaw.")
