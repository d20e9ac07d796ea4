"""Alert rules: kept, evaluated, listed."""

from datetime import timedelta
from typing import Any

import pytest
from client_reports.service.evaluate_alerts import evaluate_alerts
from client_reports.store.tables import OUTBOX
from hearback_contracts.audit import AuditEvent
from hearback_contracts.notices import AlertChanged
from hearback_contracts.outcomes import Outcome
from hearback_contracts.streams import ALERT_CHANGED
from hearback_devkit.fleet import audited
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.db import Database
from hearback_kit.outbox import Outbox, OutboxRelay
from sqlalchemy import text

PATH = "/api/0/organizations/demo/alert-rules/"


def body(**changes: Any) -> dict[str, Any]:
    return {"name": "Too much is lost", "project": "web", "kind": "discards", "threshold": 100, **changes}


async def create(api: Any, **changes: Any) -> dict[str, Any]:
    response = await api.client.post(PATH, json=body(**changes))
    assert response.status_code == 201, response.text
    return dict(response.json())


async def count(
    api: Any, quantity: int, outcome: Outcome = Outcome.CLIENT_DISCARD, reason: str | None = None, **more: Any
) -> None:
    await api.store.add(api.store.count(quantity, outcome, reason, **more))


async def evaluate(api: Any, database: Database | None = None) -> None:
    store, database = api.store, database or api.store.database
    relay = OutboxRelay(database, OUTBOX, api.bus)
    unit_of_work = UnitOfWork("client-reports", database, Outbox(OUTBOX), relay, store.clock, shards=1)
    await evaluate_alerts(unit_of_work, store.settings.model_copy(update={"alert_events_max": 3}))
    await relay.publish_once()


async def look(api: Any, rule: dict[str, Any]) -> dict[str, Any]:
    await evaluate(api)
    return dict(await api.get(f"{PATH}{rule['id']}/"))


async def test_rules_are_kept(api: Any) -> None:
    rule = await create(api, reasons=["queue_overflow"], category="user_report_v2")
    assert rule["status"] == "ok"
    assert rule["category"] == "feedback"
    assert (rule["project"], rule["projectId"], rule["history"]) == ("web", "1", [])
    changed = await api.client.put(f"{PATH}{rule['id']}/", json=body(name="Other", enabled=False))
    assert (changed.json()["name"], changed.json()["enabled"], changed.json()["reasons"]) == ("Other", False, None)
    assert [one["id"] for one in await api.get(PATH)] == [rule["id"]]
    assert (await api.client.delete(f"{PATH}{rule['id']}/")).status_code == 204
    await api.get(f"{PATH}{rule['id']}/", 404)
    assert (await api.client.delete(f"{PATH}{rule['id']}/")).status_code == 404
    assert (await api.client.put(f"{PATH}{rule['id']}/", json=body())).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"project": "elsewhere"}, {"project": "project-3"}, {"kind": "x"}, {"threshold": 0}, {"threshold": -1},
        {"threshold": "NaN"}, {"category": "nonsense"}, {"name": ""}, {"name": "a\x00b"},
        {"reasons": ["x" * 201]}, {"unknown": 1}, {"name": " "}, {"reasons": [" "]}, {"project": True},
    ],
)  # fmt: skip
async def test_malformed_rules_are_400(api: Any, wrong: dict[str, Any]) -> None:
    assert (await api.client.post(PATH, json=body(**wrong))).status_code == 400
    assert await api.get(PATH) == []


async def test_discards_of_a_reason_above_a_number_per_hour(api: Any) -> None:
    rule = await create(api, reasons=["queue_overflow", "network_error"])
    await count(api, 100, reason="queue_overflow")
    await count(api, 1000, reason="before_send")
    await count(api, 1000, reason="queue_overflow", project_id=2)
    assert (await look(api, rule))["status"] == "ok"
    await count(api, 1, reason="network_error")
    fired = await look(api, rule)
    assert (fired["status"], fired["value"]) == ("firing", 101)
    assert fired["lastTriggered"] == "2026-11-24T12:34:56.000000Z"
    assert await look(api, rule) == fired
    api.store.clock.move(minutes=61)
    assert (await look(api, rule))["status"] == "firing"
    api.store.clock.move(minutes=5)
    resolved = await look(api, rule)
    assert resolved["status"] == "ok"
    assert resolved["lastTriggered"] == fired["lastTriggered"]
    assert [change["status"] for change in resolved["history"]] == ["ok", "firing"]


async def test_discards_above_a_share_of_accepted(api: Any) -> None:
    rule = await create(api, kind="discard_share", threshold=0.1, category="error")
    await count(api, 1000, Outcome.ACCEPTED)
    await count(api, 9000, Outcome.ACCEPTED, category=14)
    await count(api, 100)
    assert (await look(api, rule))["status"] == "ok"
    await count(api, 1)
    assert (await look(api, rule))["status"] == "firing"


async def test_a_project_that_stopped_sending(api: Any) -> None:
    rule = await create(api, kind="silence", threshold=2)
    assert (await look(api, rule))["status"] == "ok"  # it never began
    await count(api, 1)
    api.store.clock.move(minutes=119)
    assert (await look(api, rule))["status"] == "ok"
    api.store.clock.move(minutes=1)
    assert (await look(api, rule))["status"] == "firing"
    for reason in ("deleted", "event_never_arrived"):
        await count(api, 1, Outcome.INVALID, reason)
    assert (await look(api, rule))["status"] == "firing", "what people and retention do is no sign of life"
    await count(api, 1)
    assert (await look(api, rule))["status"] == "ok"


async def test_a_rule_that_is_off_is_not_looked_at(api: Any) -> None:
    rule = await create(api, enabled=False)
    await count(api, 1000)
    assert (await look(api, rule))["lastEvaluated"] is None


async def test_an_organization_has_a_bounded_number_of_rules(api: Any) -> None:
    api.configure(rules_max=2)
    for _ in range(2):
        await create(api)
    assert (await api.client.post(PATH, json=body())).json()["code"] == "too_many_rules"


async def test_a_project_has_a_bounded_number_of_rules(api: Any) -> None:
    api.configure(rules_per_project_max=1)
    await create(api)
    other = await create(api, project="project-2")
    for request in (api.client.post(PATH, json=body()), api.client.put(f"{PATH}{other['id']}/", json=body())):
        assert (await request).json()["code"] == "too_many_rules"
    assert (await api.client.put(f"{PATH}{other['id']}/", json=body(project="project-2"))).status_code == 200


async def test_the_history_of_a_rule_is_bounded(api: Any) -> None:
    rule = await create(api, kind="silence", threshold=1)
    for _ in range(4):
        await count(api, 1)
        await look(api, rule)
        api.store.clock.move(hours=2)
        found = await look(api, rule)
    assert [change["status"] for change in found["history"]] == ["firing", "ok", "firing"]


async def test_an_evaluation_that_fails_is_repeated(api: Any) -> None:
    held, other = await create(api), await create(api, project="project-2")
    await count(api, 1000, project_id=2)
    async with api.store.database.transaction() as connection:
        await connection.execute(text("LOCK TABLE project_activity IN ACCESS EXCLUSIVE MODE"))
        impatient = Database(api.store.url, statement_timeout_ms=100)
        await evaluate(api, impatient)
        await impatient.close()
    assert (await api.get(f"{PATH}{held['id']}/"))["lastEvaluated"] is None
    assert (await look(api, other))["status"] == "firing"


async def test_changes_are_announced_once(api: Any) -> None:
    rule = await create(api)
    await count(api, 101)
    for _ in range(2):
        await look(api, rule)
    api.store.clock.move(minutes=61)
    await look(api, rule)
    api.store.clock.move(minutes=5)
    await look(api, rule)
    entries = await api.redis.xrange(ALERT_CHANGED.key(1, 1))
    firing, resolved = (AlertChanged.model_validate_json(fields[b"d"]) for _, fields in entries)
    assert (firing.rule_id, firing.name, firing.kind) == (int(rule["id"]), "Too much is lost", "discards")
    assert (firing.is_firing, firing.value, firing.threshold) == (True, 101, 100)
    assert (resolved.is_firing, resolved.value, resolved.project_id) == (False, 0, 1)


async def test_tenants_and_scopes(api: Any) -> None:
    rule = await create(api)
    stranger = api.caller(tenants={2: "owner"})
    for path in (PATH, f"{PATH}{rule['id']}/", f"/api/0/organizations/organization-2/alert-rules/{rule['id']}/"):
        assert (await api.client.get(path, headers=stranger)).status_code == 404
    reader = api.caller(scopes=("project:read", "event:write"))
    assert (await api.client.get(PATH, headers=reader)).status_code == 200
    assert (await api.client.post(PATH, headers=reader, json=body())).status_code == 403
    assert (await api.client.delete(f"{PATH}{rule['id']}/", headers=reader)).status_code == 403
    later = api.store.clock.now() + timedelta(days=1)
    assert rule["dateCreated"] < later.isoformat()


async def test_a_rule_can_be_sent_back(api: Any) -> None:
    rule = await create(api, reasons=["network_error"], category="error")
    for shown in (rule, (await api.get(PATH))[0]):
        answer = await api.client.put(f"{PATH}{rule['id']}/", json=shown)
        assert (answer.status_code, answer.json()) == (200, rule)
    assert (await api.client.put(f"{PATH}{rule['id']}/", json={**rule, "surprise": 1})).status_code == 400


async def test_changes_are_audited(api: Any) -> None:
    rule = await create(api)
    path = f"{PATH}{rule['id']}/"
    for changed in (body(), body(name="Less", threshold=10, category="error")):
        assert (await api.client.put(path, json=changed)).status_code == 200
    for status in (204, 404):
        assert (await api.client.delete(path)).status_code == status
    entries = await audited(api.redis, 3)
    assert [(entry.event, entry.target, entry.data["name"]) for entry in entries] == [
        (AuditEvent.ALERT_RULE_CREATED, int(rule["id"]), "Too much is lost"),
        (AuditEvent.ALERT_RULE_EDITED, int(rule["id"]), "Too much is lost"),
        (AuditEvent.ALERT_RULE_REMOVED, int(rule["id"]), "Less"),
    ]
    assert entries[1].data["changes"] == {
        "name": {"old": "Too much is lost", "new": "Less"},
        "threshold": {"old": 100.0, "new": 10.0},
        "category": {"old": None, "new": "error"},
    }
