"""Notices stored together for several destinations."""

from notifier.domain.notice import Sender, of_feedback
from notifier.domain.recipients import Channel, Destination
from notifier.store.batches import NewNotices, store_notices
from sqlalchemy import text

from ..conftest import ADA, Notifier, read

HOOK = Destination(Channel.WEBHOOK, "https://x.example", 3)


async def test_a_burst_is_counted_over_projects_and_rules_of_an_address(notifier: Notifier) -> None:
    web = await notifier.context.configuration.project(1)
    assert web is not None
    mails = [Destination(Channel.EMAIL, ADA.email, rule_id, f"rule {rule_id}") for rule_id in (None, 1, 2)]
    new = NewNotices(notifier.clock.now())
    for number, project_id in enumerate((1, 2, 1, 2, 1)):
        project = web.model_copy(update={"id": project_id})
        notice = of_feedback(read(), Sender(project, "https://hearback.example"))
        new.add(project, notice, [mails[number % 3], HOOK])
    settings = notifier.settings.model_copy(update={"burst_per_minute": 3})
    async with notifier.database.direct() as connection:
        assert await store_notices(connection, new, settings)
    async with notifier.database.connection() as opened:
        rows = await opened.execute(text("SELECT channel, project_id, state FROM delivery ORDER BY id"))
        found = [tuple(row) for row in rows]
    assert [one for one in found if one[0] == "email"] == [
        ("email", 1, "pending"),
        ("email", 2, "pending"),
        ("email", 1, "pending"),
        ("email", 2, "digest"),
        ("email", 1, "digest"),
    ]
    assert [one for one in found if one[0] == "webhook"] == [
        ("webhook", project_id, "pending") for project_id in (1, 2, 1, 2, 1)
    ]
