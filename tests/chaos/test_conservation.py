"""Counts are conserved from the wire to the API: what random envelopes hold is what `stats_v2` tells.

Services are killed with work in hand, so that it comes again; every quantity counts exactly once all the same.
"""

import json
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

Key = tuple[str, str, str | None]  # category, outcome, reason
Part = tuple[dict[str, Any], bytes, dict[Key, int]]  # item header, payload, and what it counts as
UNSUPPORTED = "unsupported_type"
QUANTITIES = st.integers(0, 9) | st.sampled_from([2**32, 2**63, 2**64 - 1])
REASONS = st.sampled_from(["queue_overflow", "sample_rate", "any words, é", ""])
CATEGORIES = {"error": "error", "user_report_v2": "feedback", "log_byte": "log_byte", "invented": "unknown"}
LISTS = {
    "discarded_events": "client_discard",
    "rate_limited_events": "rate_limited",
    "filtered_events": "filtered",
}


def part(item_type: str, payload: object, counts: dict[Key, int], **header: Any) -> Part:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return {"type": item_type, **header}, raw, counts


@st.composite
def client_reports(draw: st.DrawFn) -> Part:
    """A report with all its lists; one in four is void by a single entry."""
    entry = st.tuples(REASONS, st.sampled_from(sorted(CATEGORIES)), QUANTITIES)
    lists = {name: draw(st.lists(entry, max_size=3)) for name in LISTS}
    payload: dict[str, Any] = {
        name: [dict(zip(("reason", "category", "quantity"), one, strict=True)) for one in entries]
        for name, entries in lists.items()
    }
    if draw(st.booleans()):
        payload["timestamp"] = time.time() - 1
    if draw(st.sampled_from([True, False, False, False])):
        payload["discarded_events"].append(["x", "error", -1])
        return part("client_report", payload, {("unknown", "invalid", "payload"): 1})
    counts: Counter[Key] = Counter()
    for name, entries in lists.items():
        for reason, category, quantity in entries:
            counted_reason = None if name == "rate_limited_events" and not reason else reason
            counts[CATEGORIES[category], LISTS[name], counted_reason] += quantity
    return part("client_report", payload, counts)


def feedback(payload: object, outcome: str, reason: str | None) -> Part:
    return part("feedback", payload, {("feedback", outcome, reason): 1})


FEEDBACK = st.sampled_from(
    [
        feedback({"contexts": {"feedback": {"message": "It is slow"}}}, "accepted", None),
        feedback({"contexts": {"feedback": {"message": " "}}}, "invalid", "empty"),
        feedback({"contexts": {}}, "invalid", "missing_context"),
        feedback(b"{broken", "invalid", "invalid_json"),
    ]
)
REPORTS = st.sampled_from(
    [
        part("user_report", {"name": "x" * 129}, {("feedback", "invalid", "Name Too Large"): 1}),
        part("user_report", b"broken", {("feedback", "invalid", "invalid_json"): 1}),
    ]
)
EVENTS = st.sampled_from(
    [
        part("event", {"message": "the cart broke"}, {("error", "accepted", None): 1}),
        part("event", b"{broken", {("error", "invalid", "invalid_json"): 1}),
    ]
)
UNSTORED = st.sampled_from(
    [
        part("session", {}, {("session", "invalid", UNSUPPORTED): 1}),
        part("check_in", {}, {("monitor", "invalid", UNSUPPORTED): 1}),
        part("statsd", b"x", {("unknown", "invalid", UNSUPPORTED): 1}),
        part(
            "log",
            b"12345",
            {("log_item", "invalid", UNSUPPORTED): 7, ("log_byte", "invalid", UNSUPPORTED): 5},
            item_count=7,
        ),
    ]
)
ATTACHMENTS = st.binary(min_size=1, max_size=40).map(
    lambda raw: part(
        "attachment",
        raw,
        {("attachment", "accepted", None): len(raw), ("attachment_item", "accepted", None): 1},
        filename="a.txt",
    )
)
ENVELOPES = st.tuples(
    st.lists(client_reports(), max_size=2),
    st.lists(FEEDBACK, max_size=1),
    st.lists(REPORTS, max_size=1),
    st.lists(EVENTS, max_size=1),
    st.lists(UNSTORED, max_size=1),
    st.lists(ATTACHMENTS, max_size=2),
).map(lambda parts: [item for listed in parts for item in listed])
KILLED = ["client-reports", "feedback", "user-reports", "envelope-gateway"]
# Bursts of envelopes, each followed by the end of a service that has some of them in hand.
TRAFFIC = st.tuples(*(st.lists(ENVELOPES, min_size=5, max_size=20) for _ in KILLED), st.permutations(KILLED)).map(
    lambda drawn: list(zip(drawn[:-1], drawn[-1], strict=True))
)


def send(project: Any, items: list[Part], wait_until: Callable[..., Any]) -> None:
    """Send an envelope until it is taken; there is no answer while the gateway starts again."""
    event_id = uuid.uuid4().hex

    def taken() -> bool:
        answer = project.send(*((header, raw) for header, raw, _ in items), header={"event_id": event_id})
        assert answer.status_code in {200, 502, 503}, answer.text
        return bool(answer.status_code == 200)

    wait_until(taken)


def difference(project: Any, wanted: Counter[Key]) -> dict[Key, int]:
    """What is counted too often (positive) or not often enough (negative)."""
    found = Counter(project.counts("category", "outcome", "reason"))
    found.subtract(wanted)
    return {key: quantity for key, quantity in found.items() if quantity}


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.timeout(600)
def test_quantities_in_are_quantities_in_outcomes(
    own_fleet: Any,
    kill: Callable[..., None],
    wait_until: Callable[..., Any],
) -> None:
    @settings(
        max_examples=4,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(traffic=TRAFFIC)
    def conserved(traffic: list[tuple[list[list[Part]], str]]) -> None:
        project = own_fleet.new_project()
        wanted: Counter[Key] = Counter()
        for envelopes, victim in traffic:
            if victim != "envelope-gateway":  # delivered to one that does not move, so never acknowledged
                kill(victim, signal.SIGSTOP)
            for items in envelopes:
                if items:
                    send(project, items, wait_until)
                for _, _, counts in items:
                    wanted.update(counts)
            kill(victim, signal.SIGKILL)
        wait_until(lambda: not difference(project, wanted), seconds=60)
        project.settle()
        assert difference(project, wanted) == {}

    conserved()
