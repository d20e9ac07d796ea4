"""The one admission of reports: whichever way a report came, it has the same reason."""

from typing import Any

import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.fleet import publish_project
from hearback_kit.values.ids import random_id
from user_reports.service.submit_report import Received, refuse_report, submit_reports

SOURCES = [FeedbackSource.USER_REPORT_ENVELOPE, FeedbackSource.USER_REPORT_DJANGO_ENDPOINT]
FEEDBACK = int(DataCategory.FEEDBACK)
# What is wrong with a report, the project it is sent to, and the reason that it has.
WRONG = [
    ({"comments": "a" * 4097}, 1, Reason.REPORT_MESSAGE_TOO_LARGE),
    ({"name": "a" * 129, "email": "a" * 76}, 1, Reason.REPORT_NAME_TOO_LARGE),
    ({"event_id": "x"}, 1, Reason.REPORT_INVALID_EVENT_ID),
    ({"event_id": "x"}, 4, Reason.ORG_DENYLIST),
    ({"event_id": "x"}, 5, Reason.FEATURE_DISABLED),
    ({"comments": " "}, 6, Reason.REPORT_EMPTY),
]


def received(harness: Any, source: FeedbackSource, project_id: int, **fields: Any) -> Received:
    said = {"event_id": random_id(), "name": "Ann", "email": "ann@example.com", "comments": "It broke"}
    message, _ = harness.report("", source=source, project_id=project_id)
    return Received(message.model_copy(update={"event_id": None}), said | fields)


@pytest.fixture(autouse=True)
async def projects(harness: Any, redis: Any) -> None:
    await publish_project(redis, project_id=5, features={"organizations:user-feedback-ingest": False})
    await publish_project(redis, project_id=6, options={"feedback:filter_garbage_messages": True})


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("fields", "project_id", "reason"), WRONG)
async def test_one_report_one_reason(
    harness: Any, source: FeedbackSource, fields: dict[str, Any], project_id: int, reason: Reason
) -> None:
    item = received(harness, source, project_id, **fields)
    (submitted,) = await submit_reports(harness.context, harness.rules, [item])
    assert (submitted.report, submitted.reason) == (None, reason)
    assert await refuse_report(harness.context, item) is reason
    recorded = await harness.recorded()
    assert [step.reason for step in recorded.steps] == [reason.value], "a refusal is recorded once"
    assert {key[1] for key in recorded.counts(FEEDBACK)} == {reason.value}


async def test_a_form_that_is_wrong_for_its_sender_alone_is_not_refused(harness: Any) -> None:
    item = received(harness, SOURCES[1], 1, email="no address")
    assert await refuse_report(harness.context, item) is None
    assert (await harness.recorded()).steps == []
