"""Fan out announcements of feedback to the clients that watch an organization's list.

One reader per process follows the streams and hands each announcement to the watchers of its organization. A
watcher that falls behind gets `missed` and has to reload.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from hearback_contracts.events import AttachmentStored
from hearback_contracts.notices import FeedbackChanged, FeedbackCreated
from hearback_contracts.streams import ATTACHMENT_STORED, FEEDBACK_CHANGED, FEEDBACK_CREATED
from hearback_fleet.runtime import ServiceRuntime
from hearback_kit.background import Stage
from hearback_kit.bus import Incoming
from hearback_kit.bus.tail import StreamTail
from hearback_kit.errors import TooManyRequests
from pydantic import BaseModel, ValidationError

from feedback.metrics import LIVE_PAGES
from feedback.settings import Settings

READY_SECONDS_MAX: Final = 1.0
WAITING_MAX: Final = 100  # announcements that a slow watcher has not taken yet


class _Content(BaseModel):
    organization_id: int
    issue_id: int


class _Notice(BaseModel):
    project_id: int
    feedback: _Content | tuple[_Content, ...]


class _Attachment(BaseModel):
    project_id: int
    organization_id: int
    event_id: str


@dataclass(frozen=True, slots=True)
class News:
    """An event for watchers.

    `created`: a feedback was stored; `changed`: it moved to another mailbox; `attached`: a file arrived and is
    about to be recorded (only its event is known); `following`: all that happens from now on is heard;
    `missed`: reload.
    """

    kind: str
    project_id: int = 0
    issue_id: int = 0
    event_id: str = ""


FOLLOWING: Final = News("following")
MISSED: Final = News("missed")


@dataclass(frozen=True, slots=True)
class Watcher:
    """A client, by its session's hash and its address, for the limits on each."""

    organization_id: int
    session: str
    address: str


class Watching:
    """The queue of one watcher; `has_ended` is whether the process is stopping."""

    __slots__ = ("_news", "_woken", "has_ended")

    def __init__(self) -> None:
        self._news: list[News] = []
        self._woken = asyncio.Event()
        self.has_ended = False

    def add(self, news: News) -> None:
        """Queue news; when the queue is full, replace it by `missed`."""
        self._news = [MISSED] if len(self._news) >= WAITING_MAX else [*self._news, news]
        self._woken.set()

    def end(self) -> None:
        """End the stream."""
        self.has_ended = True
        self._woken.set()

    async def take(self, seconds: float) -> Sequence[News]:
        """Return queued news; empty after `seconds` without any, or when the stream has ended."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return ()
        news, self._news = self._news, []
        if not self.has_ended:
            self._woken.clear()
        return news


def _read(message: Incoming) -> list[tuple[int, News]]:
    """Return the news of an announcement, each with its organization; none for any other message."""
    try:
        if message.type == AttachmentStored.TYPE:
            stored = _Attachment.model_validate_json(message.data)
            return [(stored.organization_id, News("attached", stored.project_id, event_id=stored.event_id))]
        kind = {FeedbackCreated.TYPE: "created", FeedbackChanged.TYPE: "changed"}.get(message.type)
        notice = _Notice.model_validate_json(message.data)
    except ValidationError:
        return []
    if kind is None:
        return []
    contents = notice.feedback if isinstance(notice.feedback, tuple) else (notice.feedback,)
    return [(one.organization_id, News(kind, notice.project_id, one.issue_id)) for one in contents]


class LiveChanges:
    """Hands announcements to watchers, whose `count` is bounded per process, session and address."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watching: dict[int, set[Watching]] = defaultdict(set)
        self._by_session: Counter[str] = Counter()
        self._by_address: Counter[str] = Counter()
        self.count = 0
        self._has_ended = False
        self._wanted = asyncio.Event()  # while someone watches; else nothing is read
        self._tail: StreamTail | None = None

    @classmethod
    def of(cls, runtime: ServiceRuntime, settings: Settings) -> "LiveChanges":
        """Follow the announcements for as long as the app runs."""
        changes = cls(settings)
        keys = [
            key
            for stream in (FEEDBACK_CREATED, FEEDBACK_CHANGED, ATTACHMENT_STORED)
            for key in stream.shard_keys(runtime.shards)
        ]
        waiting = runtime.valkey(blocking=True)
        changes._tail = StreamTail(waiting, keys, changes.announce, wanted=changes._wanted)
        runtime.run("live", changes._tail, Stage.FOLLOW)
        return changes

    def announce(self, messages: Sequence[Incoming]) -> None:
        """Hand announcements to the watchers of their organizations."""
        if not self._watching:
            return
        for message in messages:
            for organization_id, news in _read(message):
                for watching in self._watching.get(organization_id, ()):
                    watching.add(news)

    async def is_following(self) -> bool:
        """Return whether the reader follows the streams; wait for it at most `READY_SECONDS_MAX`."""
        if self._tail is None:
            return False
        await self._tail.following(READY_SECONDS_MAX)
        return self._tail.is_following

    def end(self) -> None:
        """End every stream: the process is stopping."""
        self._has_ended = True
        for group in self._watching.values():
            for watching in group:
                watching.end()

    @contextmanager
    def watch(self, watcher: Watcher) -> Iterator[Watching]:
        """Watch an organization's feedback; raises TooManyRequests at a limit."""
        settings = self._settings
        if (
            self.count >= settings.live_clients_max
            or self._by_session[watcher.session] >= settings.live_clients_per_session_max
            or self._by_address[watcher.address] >= settings.live_clients_per_address_max
        ):
            raise TooManyRequests("Too many live pages are open.", code="too_many_live_pages")
        watching = Watching()
        if self._has_ended:
            watching.end()
        self._add(watcher, watching, 1)
        try:
            yield watching
        finally:
            self._add(watcher, watching, -1)

    def _add(self, watcher: Watcher, watching: Watching, step: int) -> None:
        group = self._watching[watcher.organization_id]
        group.add(watching) if step > 0 else group.discard(watching)
        if not group:
            del self._watching[watcher.organization_id]
        for counter, key in ((self._by_session, watcher.session), (self._by_address, watcher.address)):
            counter[key] += step
            if not counter[key]:
                del counter[key]
        self.count += step
        self._wanted.set() if self.count else self._wanted.clear()
        LIVE_PAGES.set(self.count)
