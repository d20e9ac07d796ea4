"""Who changed what is kept, and can be undone."""

from typing import Any

from feedback.domain.statuses import ARCHIVED_FOREVER, IGNORED, ONGOING, RESOLVED, UNRESOLVED
from feedback.service.judge_spam import load_prior
from feedback.service.triage_issues import OrganizationMember, change_by_id
from feedback.service.undo_changes import undo_changes
from feedback.store.activity import list_activity
from hearback_contracts.config import OrganizationConfig

from ..conftest import MEMBERS, Api

RESOLVE = {"status": RESOLVED, "substatus": None, "status_details": {}, "triaged": True}
SPAM = {"status": IGNORED, "substatus": ARCHIVED_FOREVER, "status_details": {}, "triaged": True}


async def member_of(api: Api) -> OrganizationMember:
    organization = await api.intake.configuration.organization(1)
    assert organization is not None
    return OrganizationMember(organization, MEMBERS[0].email)


async def change(api: Api, ids: list[int], columns: dict[str, Any], change_id: str) -> None:
    await change_by_id(api.intake.unit_of_work, load_prior(), await member_of(api), [1], ids, columns, change_id)


async def undo(api: Api, change_id: str, project_ids: list[int] | None = None) -> int:
    member = await member_of(api)
    return await undo_changes(api.intake.unit_of_work, load_prior(), member, project_ids or [1], change_id)


async def ids_of(api: Api) -> list[int]:
    return sorted(int(row["id"]) for row in await api.list())


async def test_a_change_is_kept_with_who_made_it_and_shown_in_the_issue(api: Api) -> None:
    event_id = await api.submit()
    number = int((await api.issue(event_id))["id"])
    await change(api, [number], RESOLVE | {"assigned_to": 2, "has_seen": True, "priority": "high"}, "c1")
    await change(api, [number], {"assigned_to": 2}, "c2")  # as it is: nothing to remember
    await change(api, [number], {"assigned_to": None}, "c3")
    async with api.intake.database.connection() as connection:
        found = await list_activity(connection, number, 10)
    assert [(one.kind, one.change_id, one.actor) for one in found] == [
        ("assigned", "c3", "owner@example.com"),
        ("priority", "c1", "owner@example.com"),
        ("assigned", "c1", "owner@example.com"),
        ("status", "c1", "owner@example.com"),
    ]
    shown = (await api.client.get(f"/api/0/organizations/demo/issues/{number}/")).json()["activity"]
    assert [one["type"] for one in shown] == [
        "unassigned", "set_priority", "assigned", "set_resolved", "first_seen",
    ]  # fmt: skip
    assert shown[2]["data"] == {"assignee": "2", "assigneeEmail": "dev@example.com", "assigneeType": "user"}
    assert shown[0]["user"]["email"] == "owner@example.com"


async def test_what_one_request_changed_is_undone_unless_changed_again(api: Api) -> None:
    for number in range(3):
        await api.submit(f"m{number}")
    ids = await ids_of(api)
    await change(api, ids[:1], RESOLVE, "c0")
    await change(api, ids, SPAM, "c1")
    await change(api, ids[2:], RESOLVE, "c2")
    await api.intake.recorded()
    assert await undo(api, "c1") == 2
    rows = {int(row["id"]): (row["status"], row["substatus"]) for row in await api.list()}
    assert rows == {ids[0]: (RESOLVED, None), ids[1]: (UNRESOLVED, "new"), ids[2]: (RESOLVED, None)}
    recorded = await api.intake.recorded()
    assert {(one.previous_status, one.status) for one in recorded.changed} == {
        (IGNORED, RESOLVED), (IGNORED, UNRESOLVED),
    }  # fmt: skip
    assert await undo(api, "c1") == 0  # twice is once


async def test_an_undone_choice_is_no_choice(api: Api) -> None:
    await api.submit()
    ids = await ids_of(api)
    await change(api, ids, RESOLVE, "c1")
    await undo(api, "c1")
    async with api.intake.database.connection() as connection:
        before = (await list_activity(connection, ids[0], 1))[0].after
    assert (before["status"], before["triaged"]) == (UNRESOLVED, False)
    assert ONGOING not in before.values()


async def test_others_organizations_and_projects_are_not_undone(api: Api) -> None:
    await api.submit()
    ids = await ids_of(api)
    await change(api, ids, RESOLVE, "c1")
    member = await member_of(api)
    stranger = OrganizationMember(OrganizationConfig(id=2, slug="other", name="Other"), "x@example.com")
    unit, prior = api.intake.unit_of_work, load_prior()
    assert await undo_changes(unit, prior, stranger, [1], "c1") == 0
    assert await undo_changes(unit, prior, member, [7], "c1") == 0
    assert await undo(api, "unknown") == 0
    assert [row["status"] for row in await api.list()] == [RESOLVED]


async def test_activity_goes_with_its_feedback(api: Api) -> None:
    await api.submit()
    ids = await ids_of(api)
    await change(api, ids, RESOLVE, "c1")
    assert (await api.client.delete(f"/api/0/organizations/demo/issues/{ids[0]}/")).status_code == 202
    async with api.intake.database.connection() as connection:
        assert await list_activity(connection, ids[0], 10) == []
