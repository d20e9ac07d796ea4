"""Report to the registry which projects have feedback: `hasFeedbacks` and `hasNewFeedbacks`."""

import orjson
from hearback_kit.db import Database
from hearback_kit.http import ServiceClient

from feedback.store.projects import list_unannounced, mark_announced

ANNOUNCEMENTS_MAX = 200


async def announce_projects(database: Database, registry: ServiceClient) -> None:
    """Send flags that the registry does not have yet; failures are retried by the next run."""
    async with database.statements() as connection:
        waiting = await list_unannounced(connection, ANNOUNCEMENTS_MAX)
    announced = []
    for announcement in waiting:
        flags = {"hasFeedbacks": True, "hasNewFeedbacks": announcement.has_new_feedbacks}
        response = await registry.request(
            "PUT", f"/internal/projects/{announcement.project_id}/flags", body=orjson.dumps(flags)
        )
        # A project that the registry does not have (any more) needs no flags.
        if response.status_code < 300 or response.status_code == 404:
            announced.append(announcement)
    if announced:
        await database.write(mark_announced, announced)
