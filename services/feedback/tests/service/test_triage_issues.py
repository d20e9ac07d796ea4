"""What a change of everything that was found still applies to."""

from typing import Any

import pytest
from feedback.domain.search import parse_search
from feedback.domain.statuses import IGNORED
from feedback.service import triage_issues
from feedback.service.triage_issues import find_chunks
from feedback.store.conditions import conditions
from feedback.store.feedback_read import Selection, list_ids
from feedback.store.feedback_write import change_feedback
from hearback_devkit.fleet import publish_project

from ..conftest import MEMBERS, NOW, Intake, as_incoming, payload, submitted


@pytest.mark.parametrize("query", ["word", "*word*", "is:unresolved"])
async def test_what_no_longer_matches_is_left_out(
    intake: Intake, redis: Any, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """A search is read at once; its later chunks may be changed by others before their turn comes."""
    monkeypatch.setattr(triage_issues, "CHUNK_MAX", 2)
    await publish_project(redis, members=MEMBERS)
    await intake.handler([as_incoming(submitted(payload(f"word {number}"))) for number in range(5)])
    search = parse_search(f"{query} is:unresolved", now=NOW)
    is_search = query != "is:unresolved"
    selection = Selection(1, [1], search.statuses, conditions(search, lambda _: []), is_search=is_search)
    async with intake.database.connection() as connection:
        ids = await list_ids(connection, selection, 5)
    found = find_chunks(intake.database, selection)
    assert await anext(found) == ids[:2]
    async with intake.database.transaction() as connection:
        await change_feedback(connection, [ids[2]], {"status": IGNORED, "triaged": True})
    assert [number async for chunk in found for number in chunk] == ids[3:]
