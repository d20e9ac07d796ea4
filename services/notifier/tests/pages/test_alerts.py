"""The pages of notification rules, as a browser without scripts uses them."""

from typing import Any

import pytest
from hearback_devkit.testing.forms import form_with
from notifier.settings import Settings
from notifier.store import destinations
from notifier.store.notification_rules import list_rules
from pydantic import SecretStr

from ..conftest import NOW, Api, Hook
from .conftest import Person

RULE = {"name": "On call", "enabled": "1", "kind": "email", "target": "oncall@example.com", "digest_minutes": "0"}
HOSTILE = "<script>alert(1)</script>"


async def rules_of(api: Api) -> list[Any]:
    async with api.notifier.database.connection() as connection:
        return await list_rules(connection, 1)


async def test_a_rule_from_its_first_day_to_its_last(api: Api, owner: Person) -> None:
    assert "No rules yet" in await owner.get("alerts/")
    matching = {"source": ["user_report_envelope", "nonsense"], "environments": " production\n\nstaging \nstaging",
                "contains": "checkout"}  # fmt: skip
    answer = await owner.post("alerts/new/", page="alerts/new/", **RULE, **matching)
    [rule] = await rules_of(api)
    assert answer.headers["location"] == f"/settings/demo/projects/web/alerts/{rule.id}/"
    assert (rule.name, rule.target, rule.is_enabled) == ("On call", "oncall@example.com", True)
    assert (rule.sources, rule.environments) == (("user_report_envelope",), ("production", "staging"))
    assert (rule.contains, rule.digest_minutes) == ("checkout", 0)
    shown = await owner.get("alerts/")
    for text in ("On call", "oncall@example.com", "User report of an SDK", "staging", "checkout", "at once"):
        assert text in shown
    path = f"alerts/{rule.id}/"
    assert "production\nstaging" in await owner.get(path)
    changed = {**RULE, "name": "Team", "kind": "email", "digest_minutes": "15"}
    changed.pop("enabled")
    await owner.post(path, page=path, **changed)
    [rule] = await rules_of(api)
    assert (rule.name, rule.is_enabled, rule.sources, rule.digest_minutes) == ("Team", False, (), 15)
    shown = await owner.get("alerts/")
    assert "All feedback" in shown
    assert "one digest each 15 min" in shown
    await owner.post(f"{path}delete/", page=path)
    assert await rules_of(api) == []
    await owner.get(path, 404)


async def test_rules_of_one_name_are_distinguished_by_when_they_were_made(api: Api, owner: Person) -> None:
    for _ in range(2):
        await owner.post("alerts/new/", page="alerts/new/", **RULE)
        api.notifier.clock.move(minutes=5)
    shown = await owner.get("alerts/")
    for rule in await rules_of(api):
        assert f'<time datetime="{rule.created_at:%Y-%m-%dT%H:%M:%SZ}"' in shown


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("name", "", "Give the rule a name."),
        ("name", "x" * 101, "At most 100 characters."),
        ("target", "nonsense", "not an e-mail address"),
        ("target", "", "Give an e-mail address"),
        ("kind", "pigeon", "Choose one of the list."),
        ("contains", "x" * 201, "At most 200 characters."),
        ("environments", "x" * 65, "At most 50 environments"),
        ("digest_minutes", "1441", "from 0 to 1440"),
        ("digest_minutes", "-1", "from 0 to 1440"),
        ("digest_minutes", "²", "from 0 to 1440"),
        ("digest_minutes", "0" * 9 + "9999999999", "from 0 to 1440"),
    ],
)
async def test_what_is_wrong_is_said_beside_the_field(
    api: Api, owner: Person, field: str, value: str, text: str
) -> None:
    answer = await owner.post("alerts/new/", 400, page="alerts/new/", **{**RULE, field: value})
    assert text in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert await rules_of(api) == []


async def test_a_webhook_inside_the_network_is_refused(owner: Person) -> None:
    fields = {**RULE, "kind": "standard", "target": "http://10.0.0.1/hook"}
    answer = await owner.post("alerts/new/", 400, page="alerts/new/", **fields)
    assert "inside the network" in answer.text


async def test_beyond_the_limit_no_rule_is_added(api: Api, owner: Person) -> None:
    limit = Settings.model_fields["rules_max"].default
    for number in range(limit):
        await api.client.post(
            api.rules,
            json={"name": f"Rule {number}", "channel": "email", "target": "a@example.com"},
            headers=api.caller(),
        )
    assert "at most 50 rules" in await owner.get("alerts/")
    answer = await owner.post("alerts/new/", 409, page="alerts/new/", **RULE)
    assert "at most 50 notification rules" in answer.text


async def test_a_test_shows_what_came_of_it(api: Api, owner: Person, hook: Hook) -> None:
    await owner.post("alerts/new/", page="alerts/new/", **{**RULE, "kind": "slack", "target": hook.url})
    [rule] = await rules_of(api)
    path = f"alerts/{rule.id}/"
    assert "whsec_" in await owner.get(path)
    answer = await owner.post(f"{path}test/", page=path)
    assert answer.headers["location"].endswith(f"/{path}#deliveries")
    waiting = await owner.get(path)
    assert "Waiting for the server" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    await api.notifier.deliverer().run_once()
    part = await owner.get(path, headers={"HX-Request": "true"})
    assert "<html" not in part
    assert "200 ok" in part
    assert "hx-trigger" not in part
    assert len(hook.requests) == 1


async def test_a_test_of_a_rule_with_a_digest_goes_out_at_once(api: Api, owner: Person, hook: Hook) -> None:
    rule = {**RULE, "kind": "standard", "target": hook.url, "digest_minutes": "60"}
    await owner.post("alerts/new/", page="alerts/new/", **rule)
    path = f"alerts/{(await rules_of(api))[0].id}/"
    await owner.post(f"{path}test/", page=path)
    await api.notifier.deliverer().run_once()
    assert len(hook.requests) == 1


async def test_a_refused_target_is_shown_and_switched_on_by_saving(api: Api, owner: Person, smtp: str) -> None:
    await owner.post("alerts/new/", page="alerts/new/", **RULE)
    [rule] = await rules_of(api)
    async with api.notifier.database.transaction() as connection:
        await destinations.switch_off(connection, "email:oncall@example.com", "550 no such user", NOW)
    assert "Target refused" in await owner.get("alerts/")
    path = f"alerts/{rule.id}/"
    assert "550 no such user" in await owner.get(path)
    await owner.post(path, page=path, **RULE)
    assert "Target refused" not in await owner.get("alerts/")
    await owner.post(f"{path}test/", page=path)
    await api.notifier.deliverer(smtp_url=SecretStr(smtp)).run_once()
    assert "Queued" in await owner.get(path)


async def test_a_viewer_reads_and_changes_nothing(api: Api, owner: Person, viewer: Person) -> None:
    await owner.post("alerts/new/", page="alerts/new/", **RULE)
    [rule] = await rules_of(api)
    shown = await viewer.get("alerts/")
    assert "Your role lets you see these settings" in shown
    assert "On call" in shown
    assert 'method="post"' not in shown.split("<main")[1]
    for path in ("alerts/new/", f"alerts/{rule.id}/"):
        await viewer.get(path, 403)
    for path in ("alerts/new/", f"alerts/{rule.id}/", f"alerts/{rule.id}/test/", f"alerts/{rule.id}/delete/"):
        await viewer.post(path, 403, **RULE)
    assert len(await rules_of(api)) == 1


async def test_nothing_of_the_form_runs(api: Api, owner: Person) -> None:
    await owner.post(
        "alerts/new/",
        page="alerts/new/",
        **{**RULE, "name": HOSTILE, "environments": HOSTILE, "contains": HOSTILE},
    )
    [rule] = await rules_of(api)
    for path in ("alerts/", f"alerts/{rule.id}/"):
        assert HOSTILE not in await owner.get(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "Team"}, {"environments": "production\nstaging"}),
        ({"contains": "checkout"}, {"digest_minutes": "15"}),
        ({"source": ["user_report_envelope"]}, {"source": ["new_feedback_envelope"]}),
        ({"enabled": []}, {"target": "team@example.com"}),
        ({"name": "Team"}, {"name": "Team"}),
    ],
)
async def test_changes_in_two_tabs_are_both_kept(
    api: Api, owner: Person, one: dict[str, Any], other: dict[str, Any]
) -> None:
    await owner.post("alerts/new/", page="alerts/new/", **RULE)
    path = f"alerts/{(await rules_of(api))[0].id}/"
    tabs = [form_with(await owner.get(path), "environments") for _ in range(2)]
    for tab, change in zip(tabs, (one, other), strict=True):
        await owner.send(path, tab | change)
    found = form_with(await owner.get(path), "environments")
    for name in one | other:
        wanted = {value for change in (one, other) for value in _listed(change.get(name, []))}
        assert set(found.get(name, [])) == wanted


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    ("field", "first", "second", "said"),
    [
        ("name", "Team", "All", "Team"),
        ("environments", "production\nstaging", "test", "production, staging"),
        ("contains", "checkout", "cart", "checkout"),
        ("digest_minutes", "15", "30", "15"),
        ("target", "a@example.com", "b@example.com", "a@example.com"),
    ],
)
async def test_the_same_field_in_two_tabs_is_asked_for_again(
    api: Api, owner: Person, field: str, first: str, second: str, said: str
) -> None:
    await owner.post("alerts/new/", page="alerts/new/", **RULE)
    path = f"alerts/{(await rules_of(api))[0].id}/"
    tabs = [form_with(await owner.get(path), "environments") for _ in range(2)]
    await owner.send(path, tabs[0] | {field: [first]})
    refused = await owner.send(path, tabs[1] | {field: [second]}, 409)
    assert f"changed meanwhile, to “{said}”" in refused.text
    assert form_with(await owner.get(path), "environments")[field] == [first]
    await owner.send(path, form_with(refused.text, "environments"))
    assert form_with(await owner.get(path), "environments")[field] == [second]
