"""The log of deliveries: pages, filters, resending, and who may see it."""

from typing import Any
from uuid import UUID

import pytest

from ..conftest import ADA, Api, Mailbox, feedback
from ..consumers.test_feedback_created import take


async def test_pages_lead_through_all_deliveries_and_back(api: Api) -> None:
    await take(api.notifier, *(feedback() for _ in range(4)))
    first = await api.client.get(api.deliveries, params={"per_page": 3})
    assert [row["id"] for row in first.json()] == ["8", "7", "6"]
    assert first.links["next"]["results"] == "true"
    assert first.links["next"]["url"].startswith("https://feedback.example.com/")
    second = await api.client.get(api.deliveries, params={"per_page": 3, "cursor": first.links["next"]["cursor"]})
    assert [row["id"] for row in second.json()] == ["5", "4", "3"]
    back = await api.client.get(
        api.deliveries, params={"per_page": 3, "cursor": second.links["previous"]["cursor"]}
    )
    assert back.json() == first.json()


async def test_filters(api: Api) -> None:
    wanted = feedback()
    await take(api.notifier, wanted, feedback())
    for event_id in (wanted.event_id, str(UUID(wanted.event_id)).upper()):
        found = (await api.client.get(api.deliveries, params={"subject": event_id})).json()
        assert {row["subjectId"] for row in found} == {wanted.event_id}
    assert (await api.client.get(api.deliveries, params={"state": "sent"})).json() == []
    assert (await api.client.get(api.deliveries, params={"state": "lost"})).status_code in {400, 422}


async def test_a_finished_delivery_is_sent_again_on_request(api: Api, mailbox: Mailbox, smtp: str) -> None:
    from pydantic import SecretStr

    await take(api.notifier, feedback())
    path = f"{api.deliveries}1/resend/"
    assert (await api.client.post(path)).status_code == 409
    deliverer = api.notifier.deliverer(smtp_url=SecretStr(smtp))
    await deliverer.run_once()
    answer = await api.client.post(path)
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    await deliverer.run_once()
    assert len(mailbox.to(ADA.email)) == 2
    assert (await api.client.post(f"{api.deliveries}99/resend/")).status_code == 404


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, 200),
        ({"scopes": ["event:read"]}, 200),
        ({"scopes": ["org:read"]}, 403),
        ({"tenants": {2: "owner"}}, 404),
    ],
)
async def test_who_may_see_it(api: Api, options: dict[str, Any], status: int) -> None:
    assert (await api.client.get(api.deliveries, headers=api.caller(**options))).status_code == status


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "x", "99999999999999999999"])
async def test_ids_that_cannot_be_are_not_found_or_refused(api: Api, number: str) -> None:
    assert (await api.client.get(f"{api.deliveries}{number}/")).status_code in {400, 404, 422}
