"""Whatever a message holds, its consumer takes it or says that it breaks its contract: none is poison."""

from functools import partial
from typing import Any

import pytest
from hearback_contracts.events import Message
from hearback_contracts.notices import NOTICES, AlertChanged, FeedbackChanged, FeedbackCreated, UserReportLinked
from hearback_contracts.streams import STREAMS
from hearback_devkit.strategies import entries, takes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notifier.consumers.alert_changed import handle_alert_changed
from notifier.consumers.feedback_changed import handle_feedback_changed
from notifier.consumers.feedback_created import handle_feedback_created
from notifier.consumers.user_report_linked import handle_user_report_linked

HANDLERS: dict[str, Any] = {
    FeedbackCreated.TYPE: handle_feedback_created,
    FeedbackChanged.TYPE: handle_feedback_changed,
    UserReportLinked.TYPE: handle_user_report_linked,
    AlertChanged.TYPE: handle_alert_changed,
}


def test_no_stream_is_forgotten() -> None:
    assert {stream.name for stream in STREAMS if stream.consumer == "notifier"} == HANDLERS.keys()


@pytest.mark.parametrize("model", NOTICES, ids=lambda model: model.__name__)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_every_message_is_taken_or_refused(notifier: Any, model: type[Message], data: st.DataObject) -> None:
    entry = data.draw(entries(model, project_id=st.just(1)))
    await takes(partial(HANDLERS[model.TYPE], notifier.context), entry)
