"""Whatever a message holds, its consumer takes it or says that it breaks its contract: none is poison."""

from functools import partial
from typing import Any

import pytest
from feedback.consumers.attachment_stored import handle_attachment_stored
from hearback_contracts.events import AttachmentStored, FeedbackSubmitted
from hearback_contracts.streams import STREAMS
from hearback_devkit.strategies import JSON, TEXTS, entries, payloads, takes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FEEDBACK = st.fixed_dictionaries(
    {"message": TEXTS},
    optional=dict.fromkeys(
        ("name", "contact_email", "url", "source", "associated_event_id", "replay_id"), TEXTS | JSON
    ),
)
CONTEXTS = st.fixed_dictionaries({"feedback": FEEDBACK}, optional={"trace": JSON, "replay": JSON, "own": JSON})
NAMES = ("user", "tags", "request", "sdk", "release", "environment", "level", "platform", "timestamp", "extra")
EVENTS = payloads(contexts=CONTEXTS, **dict.fromkeys(NAMES, JSON))
CASES = {
    FeedbackSubmitted.TYPE: entries(
        FeedbackSubmitted,
        body=st.none() | EVENTS,
        project_id=st.just(1),
        organization_id=st.just(1),
        revision=st.integers(0, 9),
    ),
    AttachmentStored.TYPE: entries(AttachmentStored, project_id=st.just(1), organization_id=st.just(1)),
}


def test_no_stream_is_forgotten() -> None:
    assert {stream.name for stream in STREAMS if stream.consumer == "feedback"} == CASES.keys()


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_every_message_is_taken_or_refused(intake: Any, kind: str, data: st.DataObject) -> None:
    entry = data.draw(CASES[kind])
    attachments = partial(handle_attachment_stored, intake.unit_of_work)
    await takes(attachments if kind == AttachmentStored.TYPE else intake.handler, entry)
