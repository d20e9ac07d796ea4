"""Notifications: 10,000 feedback at once until all are decided, and 1,000 mails until all are handed over.

Also what a feedback costs that no person is mailed about. `python -m tests.bench.notifications --mails 10000`
hands over a mail for each.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from hearback_contracts.config import MemberRef
from hearback_contracts.notices import FeedbackContent, FeedbackCreated
from hearback_contracts.options import Option
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_CREATED, OUTCOME_RECORDED
from hearback_devkit.engines.process import free_port
from hearback_devkit.fleet import following, publish_project
from hearback_fleet.messages import outgoing
from hearback_kit.bus import Incoming, RedisStreams
from hearback_kit.clock import SystemClock
from hearback_kit.db import Database, migrate
from hearback_kit.http import ServiceClient
from hearback_kit.mail import mail_transport
from hearback_kit.outbox import Outbox, OutboxRelay
from hearback_kit.valkey import connect
from hearback_kit.values.ids import new_id
from notifier.clients.outbound import OutboundCalls
from notifier.clients.recipients import RecipientDirectory
from notifier.consumers.feedback_created import handle_feedback_created
from notifier.service.address_notices import Context
from notifier.service.attempt_delivery import DeliveryAttempts
from notifier.service.deliver_mails import DeliverMails
from notifier.service.render_mail import mail_renderer
from notifier.settings import Settings
from notifier.store.tables import OUTBOX

from tests.bench.model import Options, Row, table
from tests.bench.programs import engines

FEEDBACK = 10_000
MAILS = 1_000
BATCH = 500
PACKAGE = "notifier.store.migrations"
SINK = """
import asyncio, sys
async def serve(reader, writer):
    writer.write(b"220 sink\\r\\n")
    data = False
    while line := await reader.readline():
        if data:
            if line == b".\\r\\n":
                data = False
                writer.write(b"250 queued\\r\\n")
        elif line[:4].upper() == b"DATA":
            data = True
            writer.write(b"354 go on\\r\\n")
        elif line[:4].upper() == b"QUIT":
            writer.write(b"221 bye\\r\\n")
            break
        else:
            writer.write(b"250 ok\\r\\n")
    writer.close()
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()
asyncio.run(main())
"""


def _messages(source: FeedbackSource) -> list[Incoming]:
    now = datetime.now(UTC)
    made = []
    for number in range(FEEDBACK):
        event_id = new_id()
        content = FeedbackContent(
            organization_id=1, issue_id=2 * number, short_id=f"WEB-{number}", event_id=event_id,
            submission_id=event_id, source=source, title="User Feedback: The export fails",
            message="The export fails when I press the button. " * 3, received_at=now,
        )  # fmt: skip
        message = FeedbackCreated(id=new_id(), occurred_at=now, project_id=1, feedback=content)
        sent = outgoing(FEEDBACK_CREATED, message, 4)
        made.append(
            Incoming(key=sent.key, entry_id=str(number), type=sent.type, version=sent.version, data=sent.data)
        )
    return made


async def _decide(context: Context, messages: Sequence[Incoming]) -> tuple[float, float]:
    """Seconds and seconds of this process's CPU until all messages are decided."""
    start, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(messages), BATCH):
        await handle_feedback_created(context, messages[first : first + BATCH])
    return time.perf_counter() - start, time.process_time() - cpu


async def _measure(postgres: str, valkey: str, smtp_port: int, mails: int) -> list[Row]:
    url = f"{postgres.rstrip('/')}/notifier"
    await migrate(url, PACKAGE)
    client, bus = connect(valkey), RedisStreams.open(valkey)
    settings = Settings(
        service_database_url=url, redis_url=valkey, secret_key="a secret for benchmarks, long enough to be one", registry_url="http://127.0.0.1:9",
        smtp_url=f"smtp://127.0.0.1:{smtp_port}?starttls=never", burst_per_minute=10_000, deliveries_batch_max=200,
    )  # fmt: skip
    member = MemberRef(id=1, email="ada@example.com")
    await publish_project(client, members=[member], options={Option.USER_REPORT_NOTIFICATIONS.value: False})
    database, clock = Database(url), SystemClock()
    registry = ServiceClient("http://127.0.0.1:9", service="notifier", secret="bench", attempts=1)
    async with following(valkey) as configuration:
        recipients = RecipientDirectory(registry, configuration, seconds=1.5)
        relay = OutboxRelay(database, OUTBOX, bus)
        context = Context(
            "notifier", database, Outbox(OUTBOX), relay, clock, 4, settings, bus, configuration, recipients
        )
        skipped, skipped_cpu = await _decide(context, _messages(FeedbackSource.USER_REPORT_ENVELOPE))
        decided, decided_cpu = await _decide(context, _messages(FeedbackSource.NEW_FEEDBACK_ENVELOPE))
        async with database.direct() as connection:
            await connection.fetch(f"DELETE FROM delivery WHERE id > (SELECT min(id) FROM delivery) + {mails - 1}")
        mail, calls = mail_transport(settings.smtp_url, settings.data_dir), OutboundCalls()
        used = settings, database, clock
        attempts = DeliveryAttempts(*used, mail=mail, calls=calls, render=mail_renderer())
        deliver = DeliverMails(*used, attempts)
        start, cpu = time.perf_counter(), time.process_time()
        sent = await deliver.run_once()
        handed, handed_cpu = time.perf_counter() - start, time.process_time() - cpu
        steps = sum((await bus.backlog(OUTCOME_RECORDED.shard_keys(settings.stream_shards))).values())
        await mail.close()
        await calls.close()
    for closing in (registry.close, client.aclose, bus.close, database.close):
        await closing()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Row("feedback decided, no mail", [FEEDBACK / skipped],
            cpu_us=[1e6 * skipped_cpu / FEEDBACK], reach="<= 60 µs"),
        Row("feedback decided, one member mailed", [FEEDBACK / decided], cpu_us=[1e6 * decided_cpu / FEEDBACK]),
        Row("mails handed to SMTP", [sent / handed], cpu_us=[1e6 * handed_cpu / max(sent, 1)],
            stored=f"{sent:,} / {mails:,}",
            notes=[f"{handed:.1f} s for {sent:,} mails; {memory:.0f} MB at most; {steps} messages of steps"]),
    ]  # fmt: skip


def run(options: Options, mails: int = MAILS) -> list[Row]:
    """Measure once: the number of feedback is fixed."""
    port = free_port()
    with engines() as (postgres, valkey, _):
        postgres.create_databases(["notifier"])
        sink = subprocess.Popen([sys.executable, "-c", SINK, str(port)])
        try:
            return asyncio.run(_measure(postgres.url, valkey.url, port, mails))
        finally:
            sink.terminate()
            sink.wait(10)


def main() -> None:
    """Measure with as many mails as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.notifications", description=__doc__)
    parser.add_argument("--mails", type=int, default=FEEDBACK)
    print(table(run(Options(), parser.parse_args().mails)))


if __name__ == "__main__":
    main()
