"""Load on a fleet that is being hurt, and what must hold of it afterwards."""

import json
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

READS_MAX = 3
REFUSALS = frozenset({429, 502, 503})
SCREENSHOT = b"\x89PNG\r\n\x1a\n and nothing more"


def envelope(event_id: str, *, with_attachment: bool = False) -> bytes:
    """A feedback whose message tells its id."""
    payload = {
        "event_id": event_id,
        "type": "feedback",
        "timestamp": 1_795_000_000.0,
        "platform": "python",
        "contexts": {"feedback": {"message": f"message {event_id}"}},
    }
    lines = [json.dumps(line).encode() for line in ({"event_id": event_id}, {"type": "feedback"}, payload)]
    if with_attachment:
        item = {"type": "attachment", "length": len(SCREENSHOT), "filename": "screenshot.png"}
        lines += [json.dumps(item).encode(), SCREENSHOT]
    return b"\n".join(lines)


def ingest_url(project: Any) -> str:
    return f"{project.url}/api/{project.project_id}/envelope/?sentry_key={project.public_key}"


class Load:
    """Sends feedback from threads until stopped; remembers how each was answered."""

    def __init__(
        self, project: Any, *, threads: int = 1, with_attachments: bool = False, pause_seconds: float = 0.0
    ) -> None:
        self._url = ingest_url(project)
        self._with_attachments = with_attachments
        self._pause_seconds = pause_seconds
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self.acknowledged: list[str] = []
        self.refused: list[tuple[str, int]] = []
        self.cut: list[str] = []
        self.unclear: list[str] = []

    def _run(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self._end.is_set():
                event_id = uuid.uuid4().hex
                body = envelope(event_id, with_attachment=self._with_attachments)
                try:
                    self._note(event_id, client.post(self._url, content=body))
                except httpx.TransportError:
                    self.cut.append(event_id)
                self._end.wait(self._pause_seconds)

    def _note(self, event_id: str, answer: httpx.Response) -> None:
        if answer.status_code == 200:
            self.acknowledged.append(event_id)
            return
        self.refused.append((event_id, answer.status_code))
        if answer.status_code not in REFUSALS or not answer.headers.get("Retry-After", "").isdecimal():
            self.unclear.append(f"{answer.status_code} {answer.headers} {answer.text}")
        self._end.wait(0.02)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Send while the block runs; afterwards every answer must have been a clear one."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._end.set()
            for thread in self._threads:
                thread.join()
        assert not self.unclear, self.unclear[0]

    def more(self, count: int, wait_until: Callable[..., Any]) -> None:
        """Wait until that many more were acknowledged."""
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal, seconds=60)

    def more_refused(self, count: int, wait_until: Callable[..., Any]) -> None:
        """Wait until that many more were refused."""
        goal = len(self.refused) + count
        wait_until(lambda: len(self.refused) >= goal, seconds=60)


def stored_issues(project: Any) -> list[dict[str, Any]]:
    """Every feedback issue, page by page."""
    path = f"/api/0/organizations/{project.organization}/issues/"
    params: dict[str, Any] = {"query": "issue.category:feedback", "project": project.project_id, "limit": 100}
    found: list[dict[str, Any]] = []
    while True:
        for _ in range(READS_MAX):  # the first after an outage may find its connection gone
            answer = project.http.get(path, params=params)
            if answer.status_code != 503:
                break
        assert answer.status_code == 200, answer.text
        found += answer.json()
        following = answer.links["next"]
        if following["results"] != "true":
            return found
        params["cursor"] = following["cursor"]


def event_id_of(issue: dict[str, Any]) -> str:
    return str(issue["metadata"]["message"]).removeprefix("message ")


def assert_nothing_lost(project: Any, load: Load) -> list[dict[str, Any]]:
    """What was answered with 200 is stored, once; what was refused at most once. Returns the issues."""
    assert load.acknowledged
    project.settle()
    issues = stored_issues(project)
    stored = [event_id_of(issue) for issue in issues]
    assert len(stored) == len(set(stored)), "something is stored twice"
    lost = set(load.acknowledged) - set(stored)
    assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged are not stored"
    unknown = set(stored) - set(load.acknowledged) - {event_id for event_id, _ in load.refused} - set(load.cut)
    assert not unknown
    return issues


def status(fleet: Any) -> dict[str, Any]:
    found: dict[str, Any] = fleet.status()
    return found


def pid_of(fleet: Any, name: str) -> int:
    """The process of a service or store; `launcher` is the one that keeps them running."""
    found = status(fleet)
    if name == "launcher":
        return int(found["pid"])
    return int(next(one["pid"] for one in found["services"] + found["stores"] if one["name"] == name))


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            parents[int(entry.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Processes that neither answer nor end while the block runs; one that had ended before is left out."""
    try:
        for pid in pids:
            with suppress(ProcessLookupError):  # PostgreSQL ends a process with its connection
                os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def frozen_family(pid: int) -> Iterator[None]:
    """A process and all that descend from it: the parents first, so that none is born unseen."""
    stopped: set[int] = set()
    with ExitStack() as stack:
        while born := [one for one in family(pid) if one not in stopped]:
            stack.enter_context(frozen(*born))
            stopped.update(born)
        yield


@contextmanager
def shut_down(fleet: Any, store: str) -> Iterator[None]:
    """A store that ended in order and stays away while the block runs: its launcher sleeps as long."""
    pid = pid_of(fleet, store)
    with frozen(pid_of(fleet, "launcher")):
        os.kill(pid, signal.SIGTERM if store == "valkey" else signal.SIGINT)
        yield
