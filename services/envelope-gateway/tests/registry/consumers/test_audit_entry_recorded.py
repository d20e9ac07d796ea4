"""Entries of other services in the audit log: each once, with the time of its change, whatever comes beside it."""

from datetime import timedelta
from functools import partial

from hearback_contracts.audit import AuditEntryRecorded, AuditEvent
from hearback_contracts.streams import AUDIT_ENTRY_RECORDED, STREAMS
from hearback_devkit.fleet import as_incoming
from hearback_devkit.strategies import entries, takes
from hearback_devkit.testing import beside, eventually
from hearback_fleet.messages import outgoing
from hearback_kit.bus import Outgoing
from hearback_kit.logs import configure_logs
from hearback_kit.values.ids import ID_MAX, new_id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from registry.app import create_worker
from registry.consumers.audit_entry_recorded import handle_audit_entry_recorded

LOG = "/organizations/demo/audit-logs/"
RULE = {"name": "team", "project": "web"}
CHANGES = {"enabled": {"old": None, "new": False}}
CASES = {
    AuditEvent.NOTIFICATION_RULE_CREATED: (RULE, "added the notification rule team to the project web"),
    AuditEvent.NOTIFICATION_RULE_EDITED: (
        RULE | {"changes": CHANGES},
        "edited the notification rule team of the project web: enabled from none to false",
    ),
    AuditEvent.NOTIFICATION_RULE_REMOVED: (RULE, "removed the notification rule team from the project web"),
    AuditEvent.ALERT_RULE_CREATED: (RULE, "added the alert rule team to the project web"),
    AuditEvent.ALERT_RULE_EDITED: (
        RULE | {"changes": CHANGES},
        "edited the alert rule team of the project web: enabled from none to false",
    ),
    AuditEvent.ALERT_RULE_REMOVED: (RULE, "removed the alert rule team from the project web"),
    AuditEvent.ISSUES_DELETED: ({"count": 2, "issues": ["WEB-1", "…"]}, "deleted feedback (2): WEB-1, …"),
    AuditEvent.REPORTS_DELETED: ({"count": 2, "project": "web"}, "deleted user reports of the project web (2)"),
    AuditEvent.ATTACHMENT_DELETED: (
        {"event_id": "ab", "project": "web"},
        "deleted an attachment of the event ab in the project web",
    ),
    AuditEvent.SUBMISSION_ACCEPTED: (
        {"submission": "ab", "project": "web"},
        "accepted the refused submission ab of the project web",
    ),
    "saved-search.create": ({"name": "of a later release"}, "saved-search.create"),
}


def entry(at, event=AuditEvent.ALERT_RULE_CREATED, data=RULE, **values):
    defaults = {"project_id": 1, "organization_id": 1, "actor_id": 1, "actor_label": "owner@demo.example.com"}
    message = {"id": new_id(), "occurred_at": at, "event": event, "data": data, **defaults, **values}
    return outgoing(AUDIT_ENTRY_RECORDED, AuditEntryRecorded(**message), 4)


async def take(database, *messages):
    await handle_audit_entry_recorded(database, [as_incoming(message) for message in messages])


async def shown(registry):
    """The entries of other services, the newest first."""
    rows = (await registry.get(LOG))["rows"]
    return [row for row in rows if row["event"] in {str(event) for event in CASES}]


def test_no_stream_is_forgotten():
    assert [stream for stream in STREAMS if stream.consumer == "registry"] == [AUDIT_ENTRY_RECORDED]


async def test_each_change_is_in_the_log_once_in_the_order_of_time(registry, database):
    began = registry.clock.now()
    messages = [
        entry(began + timedelta(seconds=number), event, data, target=number, address="192.0.2.1")
        for number, (event, (data, _)) in enumerate(CASES.items(), 1)
    ]
    registry.clock.move(hours=1)
    await registry.put("/organizations/demo/", {"name": "renamed meanwhile"})
    await take(database, *messages[1::2])
    await take(database, *messages[::-1], messages[0])
    for message in messages:
        await take(database, message)
    newest, *found = (await registry.get(LOG))["rows"][: len(CASES) + 1]
    assert newest["event"] == "org.edit", "the order is that of the changes, not that of their arrival"
    assert [(row["event"], row["data"], row["note"]) for row in reversed(found)] == [
        (event, data, note) for event, (data, note) in CASES.items()
    ]
    for number, row in enumerate(reversed(found), 1):
        at = (began + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
        assert (row["dateCreated"], row["targetObject"], row["ipAddress"]) == (at, number, "192.0.2.1")
        actor = {"id": "1", "name": "Owner", "email": registry.demo["admin_email"]}
        assert row["actor"] == actor | {"email": "owner@demo.example.com"}
    assert len(await shown(registry)) == len(CASES)


async def test_an_entry_of_no_organization_is_dropped_and_said_and_holds_up_none(
    registry, database, logging_as_before, capsys
):
    configure_logs("registry")
    now = registry.clock.now()
    await take(database, entry(now, organization_id=99), entry(now), entry(now, organization_id=ID_MAX))
    assert len(await shown(registry)) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "audit_entry_dropped" in line]
    assert len(lines) == 2
    assert all("the organization does not exist" in line for line in lines)


async def test_who_is_gone_is_named_as_it_was(registry, database):
    now = registry.clock.now()
    await take(database, entry(now, actor_id=99, actor_label="gone@example.org"))
    (row,) = await shown(registry)
    assert row["actor"] == {"id": None, "name": "gone@example.org", "email": None}


async def test_what_was_changed_while_the_registry_was_away_is_in_the_log_later(registry, database, bus, working):
    """Beside what no release can read, of another tenant."""
    at = registry.clock.now()
    unreadable = Outgoing(
        AUDIT_ENTRY_RECORDED.key(2, 4), AUDIT_ENTRY_RECORDED.name, b'{"project_id": 2}', None, ""
    )
    waiting = [entry(at), entry(at, project_id=2), entry(at, project_id=3)]
    await bus.publish([unreadable, *waiting, unreadable, waiting[0]])
    registry.clock.move(days=1)

    async def arrived():
        return len(await shown(registry)) == len(waiting)

    for _ in range(2):  # as after a restart
        async with working(registry.settings, registry.clock):
            await eventually(arrived)
    times = {row["dateCreated"] for row in await shown(registry)}
    assert times == {at.isoformat().replace("+00:00", "Z")}


async def test_the_worker_is_ready_and_works_without_valkey(registry):
    await registry.post("/organizations/demo/members/", {"email": "ann@example.org"}, status=201)
    folder = registry.settings.data_dir / "mail"
    alone = registry.settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:9")})

    async def mailed():
        return list(folder.glob("*.eml"))

    worker = create_worker(alone, clock=registry.clock)
    async with beside(worker.run):
        await eventually(mailed)
        assert {"consumers", "publish", "mails", "cleanup", "database"} <= worker.checks.keys()
        for check in worker.checks.values():
            await check()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(message=entries(AuditEntryRecorded, organization_id=st.just(1)))
async def test_every_message_is_taken_or_refused(registry, database, message):
    await takes(partial(handle_audit_entry_recorded, database), message)
