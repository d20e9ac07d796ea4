"""Mail and kills: the notifier dies the moment the mail server has taken a mail; none is lost."""

import json
import os
import signal
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hearback_devkit.engines.process import free_port

ROUNDS = 4
MAILS = 10  # of a round
CONNECTIONS = 4  # of the notifier to the mail server: so many mails may be in flight when it dies
CLAIM_SECONDS = 5


class DeadlyServer:
    """A mail server that ends the notifier once, between taking a mail and saying so, when `victim` is set."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.victim = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append(str(message_from_bytes(envelope.content)["Message-ID"]))
        victim, self.victim = self.victim, 0
        if victim:
            os.kill(victim, signal.SIGKILL)
        return "250 taken"


@pytest.fixture
def deadly_server() -> Iterator[tuple[DeadlyServer, int]]:
    port = free_port()
    handler = DeadlyServer()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.fixture
def mailing_fleet(
    fleet_starter: tuple[Callable[..., Any], Callable[[Any], None]], deadly_server: tuple[DeadlyServer, int]
) -> Iterator[Any]:
    start, stop = fleet_starter
    with tempfile.TemporaryDirectory(prefix="hearback-mail-") as folder:
        Path(folder).chmod(0o755)
        running = start(
            Path(folder) / "data",
            HEARBACK_SMTP_URL=f"smtp://127.0.0.1:{deadly_server[1]}?starttls=never",
            HEARBACK_CONSUMER_IDLE_MS_MIN="3000",
            NOTIFIER_CLAIM_SECONDS=str(CLAIM_SECONDS),
            NOTIFIER_SMTP_SECONDS_MAX=str(CLAIM_SECONDS / 4),
            NOTIFIER_WEBHOOK_SECONDS_MAX="1",
            NOTIFIER_SMTP_CONNECTIONS_MAX=str(CONNECTIONS),
            NOTIFIER_BURST_PER_MINUTE="10000",
        )
        yield running
        stop(running)


def test_notifier_killed_between_the_answer_and_the_record(
    mailing_fleet: Any, deadly_server: tuple[DeadlyServer, int], wait_until: Callable[..., Any]
) -> None:
    server, _ = deadly_server
    project = mailing_fleet.new_project()

    def pid() -> int:
        services = mailing_fleet.status()["services"]
        return int(next(one["pid"] for one in services if one["name"] == "notifier"))

    sent: set[str] = set()
    victims: list[int] = []
    for _ in range(ROUNDS):
        victims.append(wait_until(lambda: (found := pid()) not in victims and found))
        server.victim = victims[-1]
        sent |= {send(project, f"Feedback {number}") for number in range(MAILS)}
        wait_until(lambda: not server.victim, seconds=60)
    path = f"/api/0/projects/{project.organization}/{project.project}/deliveries/?per_page=100"

    def all_sent() -> list[Any]:
        rows = [row for row in project.get(path) if row["kind"] == "feedback"]
        return rows if len(rows) == len(sent) and all(row["state"] == "sent" for row in rows) else []

    rows = wait_until(all_sent, seconds=60)
    assert {row["subjectId"] for row in rows} == sent
    copies = Counter(server.taken)
    assert len(copies) == len(sent), "each delivery has one Message-ID, whatever was killed when"
    assert {f"<delivery-{row['id']}@127.0.0.1>" for row in rows} == set(copies)
    extra = sum(copies.values()) - len(sent)
    assert 1 <= extra <= ROUNDS * CONNECTIONS, "only mails in flight at a kill are handed over again"


def send(project: Any, message: str) -> str:
    event_id = uuid.uuid4().hex
    payload = json.dumps({"contexts": {"feedback": {"message": message}}}).encode()
    answer = project.send(({"type": "feedback"}, payload), header={"event_id": event_id})
    assert answer.status_code == 200
    return event_id
