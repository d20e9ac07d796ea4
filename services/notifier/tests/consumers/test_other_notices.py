"""Reports linked to a followed group, and alerts."""

from datetime import timedelta
from functools import partial
from typing import Any

from hearback_contracts.notices import AlertChanged, UserReportLinked
from hearback_contracts.streams import ALERT_CHANGED, USER_REPORT_LINKED
from hearback_kit.values.ids import new_id
from notifier.consumers.alert_changed import handle_alert_changed
from notifier.consumers.user_report_linked import handle_user_report_linked

from ..conftest import ADA, BOB, NOW, Notifier
from .test_feedback_created import incoming


def linked(**values: Any) -> UserReportLinked:
    defaults: dict[str, Any] = {
        "id": new_id(), "occurred_at": NOW, "project_id": 1, "organization_id": 1, "submission_id": "b" * 32,
        "event_id": "a" * 32, "group_id": 3, "group_short_id": "WEB-2", "group_title": "TypeError: x",
        "comments": "It broke", "name": "Eve", "received_at": NOW, "followers": (BOB.id,),
    }  # fmt: skip
    return UserReportLinked(**{**defaults, **values})


def alert(**values: Any) -> AlertChanged:
    defaults: dict[str, Any] = {
        "id": new_id(), "occurred_at": NOW, "project_id": 1, "organization_id": 1, "rule_id": 4,
        "name": "Too many lost",
        "kind": "discards", "is_firing": True, "value": 120.0, "threshold": 100.0, "measured_at": NOW,
    }  # fmt: skip
    return AlertChanged(**{**defaults, **values})


async def test_followers_of_a_group_are_mailed_about_its_report_once(notifier: Notifier) -> None:
    handler = partial(handle_user_report_linked, notifier.context)
    for _ in range(2):
        await handler([incoming(USER_REPORT_LINKED, linked())])
    [delivery] = await notifier.deliveries()
    assert delivery.target == BOB.email
    assert delivery.notice.url == "https://feedback.example.com/organizations/demo/issues/3/feedback/"


async def test_without_followers_there_is_no_mail(notifier: Notifier) -> None:
    await handle_user_report_linked(notifier.context, [incoming(USER_REPORT_LINKED, linked(followers=()))])
    assert await notifier.deliveries() == []


async def test_every_change_of_an_alert_is_mailed_once_to_each_member(notifier: Notifier) -> None:
    handler = partial(handle_alert_changed, notifier.context)
    firing, resolved = alert(), alert(is_firing=False, value=0.0, measured_at=NOW + timedelta(minutes=5))
    for message in (firing, resolved, firing, resolved):
        await handler([incoming(ALERT_CHANGED, message)])
    found = await notifier.deliveries()
    assert sorted(delivery.target for delivery in found) == [ADA.email] * 2 + [BOB.email] * 2
    assert {delivery.notice.subject for delivery in found} == {
        "[web] Too many lost: firing",
        "[web] Too many lost: resolved",
    }
