"""The rules' API: what it takes and refuses, and who may do what."""

from typing import Any

import pytest
from hearback_contracts.audit import AuditEvent
from hearback_devkit.fleet import audited
from notifier.store.notification_rules import update_rule

from ..conftest import Api

EMAIL = {"name": "team", "channel": "email", "target": "team@example.com"}


async def test_a_rule_is_added_shown_changed_and_deleted(api: Api) -> None:
    made = await api.client.post(
        api.rules,
        json={**EMAIL, "sources": ["crash_report_embed_form"], "environments": [" prod"], "contains": " refund ",
              "digestMinutes": 30},
    )  # fmt: skip
    assert made.status_code == 201
    rule = made.json()
    assert (rule["environments"], rule["contains"]) == (["prod"], "refund")
    assert (await api.client.get(f"{api.rules}{rule['id']}/")).json() == rule
    assert (await api.client.get(api.rules)).json() == [rule]
    assert (await api.client.put(f"{api.rules}{rule['id']}/", json=rule)).json() == rule
    changed = await api.client.put(f"{api.rules}{rule['id']}/", json={**EMAIL, "enabled": False})
    assert (changed.status_code, changed.json()["enabled"], changed.json()["sources"]) == (200, False, [])
    assert (await api.client.delete(f"{api.rules}{rule['id']}/")).status_code == 204
    assert (await api.client.get(f"{api.rules}{rule['id']}/")).status_code == 404
    assert (await api.client.delete(f"{api.rules}{rule['id']}/")).status_code == 404


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"target": "no address"}, "invalid_target"),
        ({"target": "a@b.example\r\nBcc: c@d.example"}, "invalid_target"),
        ({"channel": "webhook", "target": "http://10.0.0.1/"}, "invalid_target"),
        ({"channel": "webhook", "target": "http://169.254.169.254/latest"}, "invalid_target"),
        ({"channel": "webhook", "target": "ftp://example.com/"}, "invalid_target"),
        ({"channel": "webhook", "target": "http://[bad"}, "invalid_target"),
        ({"channel": "webhook", "target": "http://[::1]x/"}, "invalid_target"),
        ({"channel": "webhook", "target": "http://127.0.0.1/a\x01b"}, "invalid_target"),
        ({"channel": "webhook", "target": "http://１27.0.0.1/"}, "invalid_target"),
        ({"channel": "webhook", "target": "http://a..b/"}, "invalid_target"),
        ({"channel": "webhook", "target": f"http://{'a' * 64}.example/"}, "invalid_target"),
        ({"channel": "pigeon"}, None),
        ({"name": ""}, None),
        ({"name": "x" * 101}, None),
        ({"sources": ["unknown"]}, None),
        ({"digestMinutes": -1}, None),
        ({"digestMinutes": 1_441}, None),
        ({"surprise": 1}, None),
        ({"name": "a\x00b"}, "null_character"),
    ],
)
async def test_what_cannot_be_is_refused(api: Api, values: dict[str, Any], code: str | None) -> None:
    answer = await api.client.post(api.rules, json={**EMAIL, **values})
    assert answer.status_code in {400, 422}
    assert code is None or answer.json()["code"] == code
    assert (await api.client.get(api.rules)).json() == []


async def test_a_project_has_a_limit_of_rules(api: Api) -> None:
    limit = api.notifier.settings.rules_max
    for number in range(limit):
        assert (await api.client.post(api.rules, json={**EMAIL, "name": str(number)})).status_code == 201
    answer = await api.client.post(api.rules, json=EMAIL)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_rules")


@pytest.mark.parametrize(
    ("options", "read", "write"),
    [
        ({}, 200, 201),
        ({"scopes": ["project:read"]}, 200, 403),
        ({"scopes": ["event:read"]}, 403, 403),
        ({"tenants": {2: "owner"}}, 404, 404),
    ],
)
async def test_who_may_do_what(api: Api, options: dict[str, Any], read: int, write: int) -> None:
    headers = api.caller(**options)
    assert (await api.client.get(api.rules, headers=headers)).status_code == read
    assert (await api.client.post(api.rules, json=EMAIL, headers=headers)).status_code == write


@pytest.mark.parametrize("name", ["abc", "0x1", "-1", "1" * 30, "%C2%B2"])
async def test_an_id_that_is_none_names_nothing(api: Api, name: str) -> None:
    for path in (f"{api.rules}{name}/", f"{api.rules.replace('notification-rules', 'deliveries')}{name}/"):
        assert (await api.client.get(path)).status_code == 404


async def test_without_credentials_nothing_is_shown(api: Api) -> None:
    assert (await api.client.get(api.rules, headers={"Authorization": ""})).status_code == 401


async def test_secrets_are_shown_only_to_those_who_may_change_rules(api: Api) -> None:
    rule = {"name": "hook", "channel": "webhook", "target": "http://127.0.0.1:9/"}
    path = f"{api.rules}{(await api.client.post(api.rules, json=rule)).json()['id']}/"
    reader = api.caller(scopes=["project:read"])
    for headers in ({}, reader):
        [listed], shown = [(await api.client.get(url, headers=headers)).json() for url in (api.rules, path)]
        assert shown == listed
        assert (shown["secret"] or "whsec_none").startswith("whsec_")
        assert (shown["secret"] is None) is (headers is reader)


async def test_changes_are_audited_without_secrets(api: Api, redis: Any) -> None:
    hook = {"name": "chat", "channel": "webhook", "target": "http://127.0.0.1/T0/very-secret"}
    rule = (await api.client.post(api.rules, json=hook)).json()
    path = f"{api.rules}{rule['id']}/"
    for changed in (hook, {**hook, "target": "http://127.0.0.1/T0/other", "sources": ["crash_report_embed_form"]}):
        assert (await api.client.put(path, json=changed)).status_code == 200
    assert (await api.client.put(path, json={**EMAIL, "name": "chat"})).status_code == 200
    assert (await api.client.delete(path)).status_code == 204
    entries = await audited(redis, 4)
    assert [entry.event for entry in entries] == [
        AuditEvent.NOTIFICATION_RULE_CREATED,
        *[AuditEvent.NOTIFICATION_RULE_EDITED] * 2,
        AuditEvent.NOTIFICATION_RULE_REMOVED,
    ]
    assert {(entry.organization_id, entry.actor_id, entry.actor_label, entry.target) for entry in entries} == {
        (1, 1, "owner@example.com", int(rule["id"]))
    }
    assert {(entry.data["name"], entry.data["project"]) for entry in entries} == {("chat", "web")}
    created, edited, moved, _ = (entry.data for entry in entries)
    hidden = "http://127.0.0.1/…"
    assert created["settings"]["target"] == hidden
    assert edited["changes"] == {
        "sources": {"old": [], "new": ["crash_report_embed_form"]},
        "target": {"old": hidden, "new": hidden},
    }
    assert moved["changes"]["target"] == {"old": hidden, "new": "team@example.com"}
    assert "secret" not in "".join(entry.model_dump_json() for entry in entries)


async def test_a_stored_url_that_cannot_be_read_can_be_replaced(api: Api, redis: Any) -> None:
    hook = {"name": "chat", "channel": "webhook", "target": "http://127.0.0.1/"}
    rule = (await api.client.post(api.rules, json=hook)).json()
    values = {"target": "http://[::1"}  # as the release before accepted it
    await api.app.state.state.database.write(update_rule, 1, int(rule["id"]), values)
    assert (await api.client.put(f"{api.rules}{rule['id']}/", json=hook)).status_code == 200
    _, edited = await audited(redis, 2)
    assert edited.data["changes"] == {"target": {"old": "…", "new": "http://127.0.0.1/…"}}
