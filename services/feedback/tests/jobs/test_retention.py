"""Retention deletes feedback project by project, and records it."""

from typing import Any

from feedback.jobs.retention import delete_expired
from hearback_devkit.fleet import publish_project

from ..conftest import Api


async def test_retention_removes_by_project(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=2, options={"hearback:retention_days": 5})
    await api.submit("kept")
    for number in range(3):
        await api.submit(f"old{number}", project_id=2)
    intake = api.intake
    small = intake.settings.model_copy(update={"retention_chunk_max": 2})
    intake.clock.move(days=6)
    await delete_expired(intake.unit_of_work, intake.configuration, small)
    recorded = await intake.recorded()
    assert await api.messages() == ["kept"]
    assert [(step.state, step.reason) for step in recorded.steps] == [("dropped", "deleted")] * 3
