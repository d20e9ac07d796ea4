"""Whatever a message holds, its consumer takes it or says that it breaks its contract: none is poison."""

from typing import Any

import pytest
from hearback_contracts.events import ErrorEventReceived, UserReportSubmitted
from hearback_contracts.streams import STREAMS
from hearback_devkit.strategies import IDS, TEXTS, entries, payloads, takes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

REPORTS = payloads(event_id=TEXTS, name=TEXTS, email=TEXTS, comments=TEXTS)
PROJECTS = st.sampled_from([1, 2, 3, 4])
CASES = {
    ErrorEventReceived.TYPE: entries(
        ErrorEventReceived, event_id=IDS, project_id=PROJECTS, organization_id=st.just(1)
    ),
    UserReportSubmitted.TYPE: entries(
        UserReportSubmitted, body=st.none() | REPORTS, project_id=PROJECTS, organization_id=st.just(1)
    ),
}


def test_no_stream_is_forgotten() -> None:
    assert {stream.name for stream in STREAMS if stream.consumer == "user-reports"} == CASES.keys()


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_every_message_is_taken_or_refused(harness: Any, kind: str, data: st.DataObject) -> None:
    entry = data.draw(CASES[kind])
    handler = harness.events() if kind == ErrorEventReceived.TYPE else harness.reports()
    await takes(handler, entry)
