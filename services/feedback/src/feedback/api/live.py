"""Live updates as server-sent events: new feedback, a changed mailbox, a new attachment.

`following` says that none is missed from now on; a client reads what came before it. It comes first, unless the
streams cannot be followed yet; what happens until then may come before it, or never.

An event carries ids only; the client fetches the rows separately, with its own permissions.
"""

import time
from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from hearback_kit.api.params import AddressDep
from hearback_kit.auth import credentials, hash_secret
from hearback_kit.values.addresses import address_block

from feedback.api.deps import OrganizationReader, StateDep
from feedback.api.params import visible
from feedback.service.app_state import AppState
from feedback.service.watch_changes import FOLLOWING, News, Watcher

RETRY_MILLISECONDS = 3_000
UNFOLLOWED_SECONDS = 1.0  # between looks whether the streams are followed by now
router = APIRouter(include_in_schema=False)
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
_HEARTBEAT = b":\n\n"


@router.get("/organizations/{organization}/feedback/live/")
async def watch_feedback(
    request: Request, state: StateDep, scope: OrganizationReader, address: AddressDep
) -> Response:
    """Stream events until the client leaves, the process stops, or the caller must be authenticated again.

    Raise TooManyRequests when too many streams are open.
    """
    if not visible(scope):
        return Response(status_code=204)  # an EventSource does not come back
    found = credentials(request)
    session = hash_secret(found[1]) if found else ""
    watcher = Watcher(scope.organization.id, session, address_block(address or ""))
    stream = _stream(state, watcher)
    first = await anext(stream)  # so that a limit is an answer of its own
    return StreamingResponse(_with(first, stream), media_type="text/event-stream", headers=_HEADERS)


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


async def _stream(state: AppState, watcher: Watcher) -> AsyncIterator[bytes]:
    settings = state.settings
    ends_at = time.monotonic() + settings.live_seconds_max
    with state.live.watch(watcher) as watching:
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        is_following = False
        while not watching.has_ended and time.monotonic() < ends_at:
            if not is_following and (is_following := await state.live.is_following()):
                yield _event(FOLLOWING)
            seconds = settings.live_heartbeat_seconds
            news = await watching.take(seconds if is_following else min(UNFOLLOWED_SECONDS, seconds))
            yield b"".join(_event(one) for one in news) or _HEARTBEAT


def _event(news: News) -> bytes:
    about = {"event": news.event_id} if news.event_id else {"id": str(news.issue_id)}
    data = orjson.dumps({"project": str(news.project_id), **about}).decode()
    return f"event: {news.kind}\ndata: {data}\n\n".encode()
