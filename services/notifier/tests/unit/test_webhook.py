"""Webhooks: the signature of Standard Webhooks, chat bodies, and which addresses may be called."""

import base64
from datetime import UTC, datetime

import orjson
import pytest
from hearback_devkit.testing.drips import BEGINNINGS, dripping
from notifier.clients.outbound import CallFailed, OutboundCalls, TargetRefused, is_public
from notifier.domain.recipients import WebhookFormat
from notifier.domain.webhook import body_of, signed_headers

NOTICE = {
    "type": "feedback.created", "timestamp": "2026-11-28T12:00:00Z", "heading": "[web] <b>@here</b>",
    "text": "It fails <!channel> @everyone", "url": "https://feedback.example.com/x",
    "data": {"message": "It fails"},
}  # fmt: skip


def test_the_signature_is_the_one_of_the_specification() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert base64.b64decode(headers["webhook-signature"].removeprefix("v1,"))


def test_the_standard_body_is_data_alone() -> None:
    assert body_of(WebhookFormat.STANDARD, NOTICE) == {
        "type": "feedback.created",
        "timestamp": "2026-11-28T12:00:00Z",
        "data": {"message": "It fails"},
    }


def test_chat_bodies_mention_no_person_and_hold_no_markup() -> None:
    slack = orjson.dumps(body_of(WebhookFormat.SLACK, NOTICE)).decode()
    assert "<b>" not in slack
    assert '"plain_text"' in slack
    discord = body_of(WebhookFormat.DISCORD, NOTICE)
    assert discord["allowed_mentions"] == {"parse": []}
    mattermost = body_of(WebhookFormat.MATTERMOST, NOTICE)["text"]
    assert "@everyone" not in mattermost
    assert "@here" not in mattermost


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("0.0.0.0", False),
        ("100.64.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False),
        ("fe80::1", False), ("64:ff9b::7f00:1", False), ("64:ff9b::5db8:d822", True), ("2002:a00:1::1", False),
        ("fc00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("::", False),
        ("fec0::1", False), ("feff::1", False), ("nonsense", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost:8000/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/",
        "http://0x7f000001/", "http://2130706433/", "ftp://example.com/", "file:///etc/passwd", "http:///x",
        "http://user:password@127.0.0.1/", "http://127.0.0.1:99999/", "gopher://127.0.0.1/", "",
    ],
)  # fmt: skip
async def test_addresses_inside_the_network_are_refused(url: str) -> None:
    calls = OutboundCalls()
    with pytest.raises(TargetRefused):
        await calls.post(url, b"{}", {}, 1)
    await calls.close()


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
async def test_an_answer_that_comes_byte_by_byte_ends_with_the_time_for_it(beginning: bytes) -> None:
    calls = OutboundCalls(seconds_max=0.3, allowed_hosts=["127.0.0.1"])
    async with dripping(beginning) as port:
        with pytest.raises(CallFailed, match="within"):
            await calls.post(f"http://127.0.0.1:{port}/", b"{}", {}, 1)
    await calls.close()
