"""Webhooks over a real server: signed, once, tried again, switched off when gone, never to a redirect."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import Any

import orjson
import pytest
from hearback_devkit.fleet import publish_project
from notifier.store.tables import NOTIFICATION_RULES
from sqlalchemy import update

from ..conftest import Api, Hook, Notifier, feedback
from ..consumers.test_feedback_created import take

ANSWERS = {
    500: b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops",
    410: b"HTTP/1.1 410 Gone\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone",
    302: b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}


@pytest.fixture
async def rule(api: Api, hook: Hook) -> dict[str, Any]:
    """A webhook rule, in a project without members."""
    body = {"name": "hook", "channel": "webhook", "target": hook.url}
    answer = await api.client.post(api.rules, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def webhook_deliveries(notifier: Notifier) -> list[Any]:
    return [delivery for delivery in await notifier.deliveries() if delivery.channel == "webhook"]


async def test_a_webhook_is_signed_and_called_once(notifier: Notifier, hook: Hook, rule: dict[str, Any]) -> None:
    content = feedback(name="Ada", contact_email="ada@shop.example", url="https://shop/x")
    await take(notifier, content)
    for _ in range(2):
        await notifier.deliverer().run_once()
    [(headers, body)] = hook.requests
    key = b64decode(rule["secret"].removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == f"v1,{b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"
    sent = orjson.loads(body)
    assert sent["type"] == "feedback.created"
    assert sent["data"]["message"] == content.message
    assert sent["data"]["contact_email"] == "ada@shop.example"
    assert sent["data"]["url"] == "https://shop/x"
    assert "feedbackSlug" in sent["data"]["permalink"]


async def test_a_failing_webhook_is_tried_again_with_the_same_id(
    notifier: Notifier, hook: Hook, rule: dict[str, Any]
) -> None:
    hook.answers = [ANSWERS[500], ANSWERS[302]]
    await take(notifier, feedback())
    for _ in range(3):
        await notifier.deliverer().run_once()
        notifier.clock.move(minutes=10)
    assert len({headers["webhook-id"] for headers, _ in hook.requests}) == 1
    assert len(hook.requests) == 3
    [delivery] = await webhook_deliveries(notifier)
    assert (delivery.state, delivery.attempts) == ("sent", 3)


async def test_what_cannot_be_sent_holds_up_no_other_and_is_given_up(
    notifier: Notifier, api: Api, hook: Hook, rule: dict[str, Any]
) -> None:
    other = {"name": "other", "channel": "webhook", "target": "http://127.0.0.1:9/", "digestMinutes": 1}
    assert (await api.client.post(api.rules, json=other)).status_code == 201
    for secret, target in (("whsec_a", hook.url), (rule["secret"], "http://no-such-host.invalid/")):
        async with notifier.database.transaction() as connection:
            values = {"secret": secret, "target": target}
            await connection.execute(update(NOTIFICATION_RULES).where(NOTIFICATION_RULES.c.name == "hook"), values)
        await take(notifier, feedback())
    for _ in range(3):
        await notifier.deliverer(attempts_max=2).run_once()
        notifier.clock.move(minutes=10)
    found = {delivery.label: (delivery.state, delivery.attempts) for delivery in await notifier.deliveries()}
    assert found["hook"] == ("dead", 2)
    assert found["other"][1] == 2, "a digest is sent after what failed"


async def test_a_webhook_that_is_gone_is_switched_off_until_it_is_tested(
    notifier: Notifier, api: Api, hook: Hook, rule: dict[str, Any]
) -> None:
    hook.answers = [ANSWERS[410]]
    await take(notifier, feedback())
    await notifier.deliverer().run_once()
    [shown] = (await api.client.get(api.rules)).json()
    assert "410" in shown["offReason"]
    await take(notifier, feedback())
    await notifier.deliverer().run_once()
    assert len(hook.requests) == 1
    tested = await api.client.post(f"{api.rules}{rule['id']}/test/")
    assert tested.status_code == 202
    await notifier.deliverer().run_once()
    assert orjson.loads(hook.requests[-1][1])["type"] == "test"
    delivery = (await api.client.get(f"{api.deliveries}{tested.json()['deliveryId']}/")).json()
    assert (delivery["state"], delivery["kind"]) == ("sent", "test")
    [shown] = (await api.client.get(api.rules)).json()
    assert shown["offReason"] is None


async def test_a_webhook_that_is_gone_gets_nothing_of_what_waited(
    notifier: Notifier, hook: Hook, rule: dict[str, Any]
) -> None:
    hook.answers = [ANSWERS[500], ANSWERS[410]]
    await take(notifier, feedback())
    await notifier.deliverer().run_once()
    await take(notifier, feedback())
    await notifier.deliverer().run_once()
    notifier.clock.move(minutes=10)
    await notifier.deliverer().run_once()
    assert len(hook.requests) == 2
    waited, gone = await webhook_deliveries(notifier)
    assert (gone.state, gone.answer[:4]) == ("failed", "410 ")
    assert (waited.state, waited.answer) == ("failed", f"switched off: {gone.answer}")


async def test_a_deleted_rule_calls_nothing_more(
    notifier: Notifier, api: Api, hook: Hook, rule: dict[str, Any]
) -> None:
    await take(notifier, feedback())
    assert (await api.client.delete(f"{api.rules}{rule['id']}/")).status_code == 204
    await notifier.deliverer().run_once()
    assert hook.requests == []
    [delivery] = await webhook_deliveries(notifier)
    assert delivery.state == "failed"


async def test_rules_of_another_project_do_not_match(notifier: Notifier, hook: Hook, rule: dict[str, Any]) -> None:
    await publish_project(notifier.redis, project_id=2)
    await take(notifier, feedback(), project_id=2)
    await notifier.deliverer().run_once()
    assert hook.requests == []
