"""Every metric of the gateway, declared once."""

from hearback_contracts.streams import STREAMS
from prometheus_client import Counter

REQUESTS = Counter("envelope_gateway_requests", "Ingest requests by endpoint and status.", ["endpoint", "status"])
_MESSAGES = Counter("envelope_gateway_messages", "Messages handed to the group commit.", ["stream"])
MESSAGES = {stream.name: _MESSAGES.labels(stream.name) for stream in STREAMS}
COMMIT_REFUSALS = Counter(
    "envelope_gateway_commit_refusals", "Requests refused because nothing could be kept.", ["cause"]
)
CRASHES = Counter("envelope_gateway_crashes", "Requests that met an error nobody foresaw.")
