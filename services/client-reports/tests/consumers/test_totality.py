"""Whatever a message holds, it is recorded or refused as one that breaks its contract: none is poison."""

import json
from datetime import UTC, timedelta, timezone
from typing import Any

from client_reports.consumers.client_report_received import ClientReportReceivedHandler
from client_reports.consumers.outcome_recorded import OutcomeRecordedHandler
from hearback_contracts.config import ProjectConfig
from hearback_contracts.events import ClientReportReceived, OutcomeRecorded, UserReportSubmitted
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_kit.bus import Incoming
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=23)), timezone(timedelta(hours=-23))])
TIMES = st.builds(lambda time, zone: time.replace(tzinfo=zone).isoformat(), st.datetimes(), ZONES)
IDS = st.integers(-(1 << 70), 1 << 70) | st.integers(0, 9)
WORDS = st.text(max_size=300)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats(allow_nan=False) | WORDS,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(WORDS, parts, max_size=4),
    max_leaves=12,
)
SCOPE: dict[str, Any] = {
    "id": WORDS,
    "occurred_at": TIMES,
    "received_at": TIMES,
    "organization_id": IDS,
    "project_id": IDS,
    "key_id": st.none() | IDS,
    "sent_at": st.none() | TIMES,
    "sdk": st.none() | WORDS,
}
REPORTS = st.fixed_dictionaries(SCOPE)
REFUSED = st.fixed_dictionaries(
    {
        **SCOPE,
        "type": st.just(UserReportSubmitted.TYPE),
        "event_id": st.none() | WORDS,
        "source": st.sampled_from([str(source) for source in FeedbackSource]),
    }
)
COUNTS = st.fixed_dictionaries(
    {
        "organization_id": IDS,
        "project_id": IDS,
        "key_id": st.none() | IDS,
        "category": st.integers(-5, 1 << 70),
        "outcome": st.integers(-1, 8),
        "reason": st.none() | WORDS,
        "sdk": st.none() | WORDS,
        "quantity": IDS,
        "times": IDS,
        "timestamp": TIMES,
    }
)
STEPS = st.fixed_dictionaries(
    {
        "organization_id": IDS,
        "project_id": IDS,
        "submission_id": WORDS,
        "state": st.sampled_from([str(state) for state in SubmissionState]),
        "step": WORDS,
        "at": TIMES,
        "source": st.none() | st.sampled_from([str(source) for source in FeedbackSource]),
        "reason": st.none() | WORDS | st.just("deleted"),
        "feedback_id": st.none() | WORDS,
        "payload": st.none() | st.dictionaries(WORDS, JSON, max_size=4),
        "refused": st.none() | REFUSED,
    }
)
OUTCOMES = st.fixed_dictionaries(
    {
        "id": WORDS,
        "occurred_at": TIMES,
        "project_id": IDS,
        "service": WORDS,
        "outcomes": st.lists(COUNTS, max_size=3),
        "steps": st.lists(STEPS, max_size=3),
    }
)
LISTS = st.lists(st.tuples(WORDS, st.sampled_from(["error", "x"]), IDS).map(list) | JSON, max_size=4)
BODIES = st.binary(max_size=200) | (
    JSON | st.fixed_dictionaries({"timestamp": TIMES | IDS | JSON, "discarded_events": LISTS})
).map(lambda value: json.dumps(value).encode())


def incoming(kind: str, message: dict[str, Any], body: bytes | None = None) -> Incoming:
    return Incoming("k", "1-0", kind, "1", json.dumps(message).encode(), body)


async def handle(handler: Any, entry: Incoming) -> None:
    """Handle a message; ValueError says that it breaks its contract, and anything else fails the test."""
    try:
        await handler([entry])
    except ValueError:
        return


async def find_project(_: int) -> ProjectConfig | None:
    return None


@EXAMPLES
@given(message=OUTCOMES)
async def test_outcomes(store: Any, message: dict[str, Any]) -> None:
    await handle(OutcomeRecordedHandler(store.recorder(), shards=1), incoming(OutcomeRecorded.TYPE, message))


@EXAMPLES
@given(message=REPORTS, body=BODIES)
async def test_client_reports(store: Any, message: dict[str, Any], body: bytes) -> None:
    handler = ClientReportReceivedHandler(store.recorder(), find_project, report_days_max=90)
    await handle(handler, incoming(ClientReportReceived.TYPE, message, body))
