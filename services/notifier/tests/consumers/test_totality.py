"""Whatever a message holds, its consumer takes it or says that it breaks its contract: none is poison."""

from typing import Any

import pytest
from hearback_contracts.notices import NOTICES, AlertChanged, FeedbackChanged, FeedbackCreated, UserReportLinked
from hearback_contracts.streams import STREAMS
from hearback_devkit.strategies import entries, takes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notifier.consumers.alert_changed import AlertChangedHandler
from notifier.consumers.feedback_changed import FeedbackChangedHandler
from notifier.consumers.feedback_created import FeedbackCreatedHandler
from notifier.consumers.user_report_linked import UserReportLinkedHandler

HANDLERS: dict[str, Any] = {
    FeedbackCreated.TYPE: FeedbackCreatedHandler,
    FeedbackChanged.TYPE: FeedbackChangedHandler,
    UserReportLinked.TYPE: UserReportLinkedHandler,
    AlertChanged.TYPE: AlertChangedHandler,
}
CASES = {model.TYPE: entries(model, project_id=st.just(1)) for model in NOTICES}


def test_no_stream_is_forgotten() -> None:
    assert {stream.name for stream in STREAMS if stream.consumer == "notifier"} == CASES.keys() == HANDLERS.keys()


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_every_message_is_taken_or_refused(notifier: Any, kind: str, data: st.DataObject) -> None:
    await takes(HANDLERS[kind](notifier.context), data.draw(CASES[kind]))
