"""Make announcements of rows of the outbox that only name their feedback.

Such a row is read back after a kill, or when its message could not be published. What is announced then is the
feedback as it is by now, under the id and time of the first message; what was deleted meanwhile is left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from hearback_kit.bus import Outgoing
from hearback_kit.db import Connection

from feedback.service.announce_feedback import NAMED, Content, content_of
from feedback.store.attachments import count_attachments
from feedback.store.feedback_read import list_by_ids


async def restore_announcements(connection: Connection, messages: Sequence[Outgoing]) -> Sequence[Outgoing | None]:
    """Return messages as they are to be published; None for one whose feedback is all deleted."""
    named = {place: orjson.loads(one.data) for place, one in enumerate(messages) if one.version == NAMED}
    if not named:
        return messages
    contents = await _contents(connection, list(named.values()))
    return [
        _restored(one, named[place], contents) if place in named else one for place, one in enumerate(messages)
    ]


async def _contents(connection: Connection, named: Sequence[Mapping[str, Any]]) -> dict[int, Content]:
    projects, ids = {one["project_id"] for one in named}, [number for one in named for number in one["feedback"]]
    found = await list_by_ids(connection, projects, ids)
    attachments = await count_attachments(connection, [one.key for one in found])
    return {one.id: content_of(one, one.id, one.short_id, attachments.get(one.key, 0)) for one in found}


def _restored(message: Outgoing, named: Mapping[str, Any], contents: Mapping[int, Content]) -> Outgoing | None:
    found = [contents[number] for number in named["feedback"] if number in contents]
    if not found:
        return None
    whole = {**named, "feedback": found[0] if named["version"] == 1 else found}
    return message._replace(data=orjson.dumps(whole, option=orjson.OPT_UTC_Z), version=str(named["version"]))
