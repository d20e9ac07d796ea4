"""Removing attachments: nothing is left behind, and nothing else is removed."""

from typing import Any

import pytest
from feedback.service.check_blobs import find_missing, find_strays
from hearback_devkit.fleet import publish_project
from hearback_kit.values.ids import random_id

from ..conftest import EVENT, Files


@pytest.mark.parametrize("at_once", [True, False])
async def test_bytes_that_came_again_are_deleted_and_nothing_else(files: Files, at_once: bool) -> None:
    attachment_id = random_id()
    first = await files.put(b"12345", attachment_id=attachment_id)
    [kept] = await files.keys()
    again = await files.put(b"12345", attachment_id=attachment_id)
    batches = [(first, again)] if at_once else [(first,), (again,)]
    for batch in [*batches, (again, first)]:
        await files.deliver(*batch)
    intake = files.api.intake
    assert await find_strays(intake.database, files.blobs) == [], "what is about to be deleted is no stray"
    await files.delete_bytes()
    assert await files.keys() == {kept}
    assert await find_missing(intake.database, files.blobs) == []
    assert (await files.get("download")).content == b"12345"
    assert [item["size"] for item in await files.list()] == [5]


async def test_deleting_one_deletes_its_bytes_for_good(files: Files) -> None:
    message = await files.put(b"x")
    await files.deliver(message)
    [item] = await files.list()
    assert (await files.api.client.delete(f"{files.path()}{item['id']}/")).status_code == 204
    assert len(await files.keys()) == 1, "bytes are deleted after the commit"
    await files.delete_bytes()
    assert await files.keys() == set()
    again = await files.put(b"x", attachment_id=message.data.decode().split('"attachment_id":"')[1][:32])
    assert (await files.deliver(again)).outcomes == []
    await files.delete_bytes()
    assert await files.keys() == set()
    assert await files.list() == []


async def test_deleting_feedback_deletes_its_bytes_whatever_arrives_later(files: Files) -> None:
    await files.api.submit(event_id=EVENT)
    await files.store()
    issue = await files.api.issue(EVENT)
    assert (await files.api.client.delete(f"/api/0/issues/{issue['id']}/")).status_code == 202
    await files.store(b"later")
    await files.delete_bytes()
    assert await files.keys() == set()
    intake = files.api.intake
    assert await find_strays(intake.database, files.blobs) == []
    assert await find_missing(intake.database, files.blobs) == []


async def test_orphans_are_removed_with_their_reason(files: Files) -> None:
    error, lost, given = "1" * 32, "2" * 32, "3" * 32
    for event_id in (error, lost, given):
        await files.store(event_id=event_id)
    await files.api.submit(event_id=given)
    clock = files.api.intake.clock
    clock.move(hours=23)
    await files.delete_orphans(error)
    assert (await files.api.intake.recorded()).steps == []
    clock.move(hours=2)
    await files.delete_orphans(error)
    recorded = await files.api.intake.recorded()
    assert [(s.submission_id, s.state, s.reason) for s in recorded.steps] == [
        (lost, "dropped", "event_never_arrived")
    ]
    await files.delete_bytes()
    assert {key.split("/")[1] for key in await files.keys()} == {error, given}


async def test_retention_by_project(files: Files, redis: Any) -> None:
    await publish_project(redis, project_id=2, options={"hearback:retention_days": 1})
    await files.store()
    await files.store(project_id=2)
    files.api.intake.clock.move(days=2)
    await files.delete_expired()
    await files.delete_bytes()
    assert {key.split("/")[0] for key in await files.keys()} == {"1"}
