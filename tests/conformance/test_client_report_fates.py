"""What a client report says is counted, or said not to be: nothing that was answered 200 vanishes."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

WaitUntil = Callable[..., Any]
INVENTED = 12_600
PER_REPORT = 900
ENTRY = {"reason": "sample_rate", "category": "error", "quantity": 7}


def send_report(project: Any, payload: bytes | dict[str, Any]) -> None:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = project.send(({"type": "client_report"}, raw))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "written",
    [
        "%Y-%m-%dT%H:%M:%S.%f+00:00",
        "%Y-%m-%dT%H:%M:%S",  # one SDK sends all its reports so
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%m-%dt%H:%M:%Sz",
        "%Y-%m-%dT%H:%M:%S +0000",
        "number",
        "digits",
        "none",
    ],
)
def test_a_readable_time_counts(project: Any, wait_until: WaitUntil, written: str) -> None:
    special = {"number": time.time(), "digits": str(int(time.time())), "none": None}
    timestamp = special[written] if written in special else datetime.now(UTC).strftime(written)
    send_report(project, {"timestamp": timestamp, "discarded_events": [ENTRY]})
    key = ("client_discard", "error", "sample_rate")
    wait_until(lambda: project.counts("outcome", "category", "reason"), equals={key: 7})


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"timestamp": "yesterday", "discarded_events": [ENTRY]}, "timestamp"),
        ({"timestamp": True, "discarded_events": [ENTRY]}, "timestamp"),
        ({"timestamp": -1, "discarded_events": [ENTRY]}, "timestamp"),
        ({"timestamp": 1, "discarded_events": [ENTRY]}, "past_timestamp"),
        ({"timestamp": "2100-01-01T00:00:00Z", "discarded_events": [ENTRY]}, "future_timestamp"),
        ({"timestamp": None}, "payload"),
        ({"discarded_events": [ENTRY | {"quantity": -1}]}, "payload"),
        (b"nonsense", "invalid_json"),
        (b"", "invalid_json"),
    ],
)
def test_what_does_not_count_has_an_outcome_and_a_fate(
    project: Any, wait_until: WaitUntil, payload: Any, reason: str
) -> None:
    send_report(project, payload)
    wait_until(lambda: project.counts("outcome", "reason"), equals={("invalid", reason): 1})
    path = f"/api/0/projects/{project.organization}/{project.project}/submissions/"
    (fate,) = wait_until(lambda: project.get(path))
    assert (fate["state"], fate["reason"]) == ("invalid", reason)
    assert [step["service"] for step in fate["steps"]] == ["client-reports"]


def test_a_report_that_nests_too_deeply_is_refused_by_the_gateway_with_an_outcome(
    project: Any, wait_until: WaitUntil
) -> None:
    send_report(project, b"[" * 500)
    wait_until(lambda: project.counts("outcome", "reason"), equals={("invalid", "nesting_too_deep"): 1})


def test_invented_reasons_stop_no_query_and_lose_no_count(project: Any, wait_until: WaitUntil) -> None:
    for start in range(0, INVENTED, PER_REPORT):
        entries = [[f"made up {number}", "error", 1] for number in range(start, start + PER_REPORT)]
        send_report(project, {"discarded_events": entries})
    wait_until(lambda: project.counts().get(()), equals=INVENTED)
    groups = project.counts("reason", period="90d")
    assert sum(groups.values()) == INVENTED
    assert groups["other"] > INVENTED / 2
    both = project.counts("reason", "sdk", "category", "project", "outcome", "key")
    assert sum(both.values()) == INVENTED
