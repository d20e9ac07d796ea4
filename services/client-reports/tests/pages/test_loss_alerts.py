"""The pages of alert rules on losses and silence."""

import pytest
from hearback_devkit.testing.forms import form_with
from hearback_devkit.testing.pages import READS

from .conftest import Browser

PATH = "/settings/demo/projects/web/loss-alerts/"
RULE = {"name": "Many network errors", "kind": "discards", "threshold": "100", "category": "error",
        "reasons": "network_error\nqueue_overflow", "enabled": "1"}  # fmt: skip
HOSTILE = "<script>alert(1)</script>"


async def made(browser: Browser, **fields: str) -> str:
    """Add a rule and return its page's path."""
    answer = await browser.post(PATH, **{**RULE, **fields})
    assert (answer.status_code, answer.headers["location"]) == (303, PATH), answer.text
    text = await browser.page(PATH)
    return PATH + text.rpartition(f'class="list-title" dir="auto" href="{PATH}')[2].partition('"')[0]


async def test_a_rule_is_made_changed_and_deleted(browser: Browser) -> None:
    assert "No rule yet" in await browser.page(PATH)
    path = await made(browser)
    text = await browser.page(path)
    for words in (RULE["name"], "network_error\nqueue_overflow", "It has never fired.", "100 an hour"):
        assert words in text, words
    answer = await browser.post(path, **{**RULE, "name": "Silence", "kind": "silence", "threshold": "2,5"})
    assert answer.status_code == 303
    text = await browser.page(path)
    assert "Nothing comes in any more: 2.5 hours" in text
    off = {name: value for name, value in RULE.items() if name != "enabled"}
    await browser.post(path, **off)
    assert "Off" in await browser.page(PATH)
    await browser.post(path, action="delete")
    text = await browser.page(PATH)
    assert "No rule yet" in text
    assert "Undo" in text
    await browser.page(path, 404)


async def test_rules_of_one_name_are_distinguished_by_when_they_were_made(browser: Browser) -> None:
    made_at = []
    for _ in range(2):
        await made(browser)
        made_at.append(browser.store.clock.now())
        browser.store.clock.move(minutes=5)
    shown = await browser.page(PATH)
    for at in made_at:
        assert f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}"' in shown


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "), ("name", "x" * 201), ("kind", "nonsense"), ("threshold", "0"), ("threshold", "-1"),
        ("threshold", "many"), ("threshold", "nan"), ("threshold", "inf"), ("threshold", "1e19"),
        ("category", "nonsense"), ("reasons", "\n".join(str(number) for number in range(51))),
        ("reasons", "x" * 201),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_beside_its_field(browser: Browser, field: str, value: str) -> None:
    fields = RULE | {field: value, "name": value if field == "name" else HOSTILE}
    for path in (PATH, await made(browser)):
        answer = await browser.post(path, **fields)
        assert answer.status_code == 400
        assert f'id="field-{field}-error"' in answer.text
        assert HOSTILE not in answer.text


@pytest.mark.parametrize(
    ("given", "in_form", "shown"),
    [("1234567", "1234567", "1,234,567"), ("1,234,567", "1234567", "1,234,567"), ("0,125", "0.125", "0.125"),
     ("0.0123456789", "0.0123456789", "0.0123457")],
)  # fmt: skip
async def test_a_threshold_stays_what_it_is(browser: Browser, given: str, in_form: str, shown: str) -> None:
    path = await made(browser, threshold=given, category="span")
    text = await browser.page(path)
    assert f"{shown} an hour" in text
    assert f'value="{in_form}"' in text
    assert "<option selected>span</option>" in text, "a category that the page does not offer stays chosen"


async def test_as_many_rules_as_a_project_may_have(browser: Browser) -> None:
    for _ in range(browser.store.settings.rules_per_project_max):
        await made(browser)
    answer = await browser.post(PATH, **RULE)
    assert 400 <= answer.status_code < 500
    assert 'id="field-name-error"' in answer.text


async def test_who_may_see_and_change(browser: Browser) -> None:
    path = await made(browser, name=HOSTILE)
    assert HOSTILE not in await browser.page(PATH) + await browser.page(path)
    other = path.replace("/web/", "/project-2/")
    await browser.page(other, 404)
    assert (await browser.post(other, page=PATH, **RULE)).status_code == 404
    assert (await browser.post(other, page=PATH, action="delete")).status_code == 404
    for missing in (
        f"{PATH}999/",
        f"{PATH}x/",
        f"{PATH}{'1' * 30}/",
        "/settings/demo/projects/project-3/loss-alerts/",
    ):
        await browser.page(missing, 404)
    for token in ("", "x"):
        assert (await browser.post(PATH, token=token, **RULE)).status_code == 403
        assert (await browser.post(path, token=token, action="delete")).status_code == 403
    browser.sign_in(scopes=READS)
    for shown in (PATH, path):
        text = await browser.page(shown)
        assert 'name="threshold"' not in text
        assert "not change them" in text
        assert (await browser.post(shown, **RULE)).status_code == 403
    browser.sign_in(tenants={2: "owner"})
    for foreign in (PATH, path):
        await browser.page(foreign, 404)
    browser.client.cookies.clear()
    assert (await browser.client.get(PATH)).status_code == 303


@pytest.mark.parametrize(
    ("field", "first", "second", "said"),
    [
        ("name", "Fewer", "Many", "Fewer"), ("kind", "silence", "discard_share", "Nothing comes in any more"),
        ("threshold", "2.5", "3", "2.5"), ("reasons", "a\nb", "c", "a, b"),
        ("category", "log_item", "session", "log item"),
    ],
)  # fmt: skip
async def test_two_tabs_change_a_rule(browser: Browser, field: str, first: str, second: str, said: str) -> None:
    path = await made(browser)
    tabs = [form_with(await browser.page(path), "threshold") for _ in range(3)]
    assert (await browser.client.post(path, data=tabs[0] | {field: [first]})).status_code == 303
    off = {name: value for name, value in tabs[1].items() if name != "enabled"}
    assert (await browser.client.post(path, data=off)).status_code == 303
    stored = form_with(await browser.page(path), "threshold")
    assert stored[field] == [first], "a change of another field keeps it"
    assert "enabled" not in stored
    refused = await browser.client.post(path, data=tabs[2] | {field: [second]})
    assert refused.status_code == 409
    assert f"changed meanwhile, to “{said}”" in refused.text
    again = form_with(refused.text, "threshold")
    assert again[field] == [second]
    assert "enabled" not in again
    assert (await browser.client.post(path, data=again)).status_code == 303
    assert form_with(await browser.page(path), "threshold")[field] == [second]
