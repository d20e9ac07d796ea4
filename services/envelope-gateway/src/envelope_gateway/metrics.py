"""Every metric of the gateway."""

from prometheus_client import Counter

REQUESTS = Counter("envelope_gateway_requests", "Ingest requests by endpoint and status.", ["endpoint", "status"])
FAST_PATH_LEFT = Counter(
    "envelope_gateway_fast_path_left", "Envelopes that the fast path left to the slow path, by reason.", ["reason"]
)
COMMIT_REFUSALS = Counter(
    "envelope_gateway_commit_refusals", "Requests refused because nothing could be kept, by cause.", ["cause"]
)
CRASHES = Counter("envelope_gateway_crashes", "Requests that failed with an unexpected error.")
