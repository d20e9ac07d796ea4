"""Whatever a message holds, it is recorded or refused as one that breaks its contract: none is poison."""

from typing import Any

import pytest
from client_reports.consumers import outcome_recorded
from client_reports.consumers.client_report_received import ClientReportReceivedHandler
from client_reports.consumers.outcome_recorded import OutcomeRecordedHandler
from hearback_contracts.config import ProjectConfig
from hearback_contracts.events import ClientReportReceived, OutcomeCount, OutcomeRecorded, Part, SubmissionStep
from hearback_contracts.streams import STREAMS
from hearback_devkit.strategies import JSON, NUMBERS, TEXTS, TIMES, entries, payloads, takes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DISCARDS = st.lists(
    st.fixed_dictionaries({"reason": TEXTS, "category": st.sampled_from(["error", "x"]), "quantity": NUMBERS})
    | JSON,
    max_size=4,
)
NAMES = ("discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events")
REPORTS = payloads(timestamp=TIMES | NUMBERS, **dict.fromkeys(NAMES, DISCARDS))
CASES = {
    ClientReportReceived.TYPE: entries(ClientReportReceived, body=st.none() | REPORTS),
    OutcomeRecorded.TYPE: entries(OutcomeRecorded),
}


async def find_project(_: int) -> ProjectConfig | None:
    return None


def test_no_stream_is_forgotten() -> None:
    assert {stream.name for stream in STREAMS if stream.consumer == "client-reports"} == CASES.keys()


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_every_message_is_recorded_or_refused(store: Any, kind: str, data: st.DataObject) -> None:
    recorder = store.recorder()
    handler: Any = OutcomeRecordedHandler(recorder, shards=1)
    if kind == ClientReportReceived.TYPE:
        handler = ClientReportReceivedHandler(recorder, find_project, report_days_max=90)
    await takes(handler, data.draw(CASES[kind]))


@pytest.mark.parametrize(
    "model", [OutcomeRecorded, OutcomeCount, SubmissionStep], ids=lambda model: model.__name__
)
def test_what_is_read_of_a_message_is_what_the_contract_has(model: type[Part]) -> None:
    read_as = getattr(outcome_recorded, f"_{model.__name__}")
    assert {*read_as.__struct_fields__} == {*model.model_fields} - {"type"}
