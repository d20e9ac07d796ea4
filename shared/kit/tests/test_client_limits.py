"""The limits of clients: time for a head or body, and uses per address."""

import asyncio
from typing import Any

import pytest
from hearback_kit.client_shares import ClientShares
from hearback_kit.http_server.limits import Flow, HttpLimits, RequestClock
from hearback_kit.values.addresses import address_block

LIMITS = HttpLimits(
    head_seconds_max=20.0, body_grace_seconds=10.0, body_bytes_per_second_min=50.0, body_seconds_max=60.0
)


class Loop:
    """A clock."""

    now = 100.0

    def time(self) -> float:
        return self.now


def flow_of(loop: Any) -> Flow:
    return Flow(asyncio.Transport(), loop)


@pytest.mark.parametrize(("received", "due_at"), [(0, 110.0), (500, 120.0), (10**6, 160.0)])
def test_bytes_extend_a_deadline_up_to_the_total_time(received: int, due_at: float) -> None:
    clock, flow = RequestClock(LIMITS), flow_of(Loop())
    assert clock.body_deadline("a body", received, 100.0, flow) == due_at
    assert clock.body_deadline("a body", 0, 105.0, flow) == due_at
    assert clock.head_deadline(105.0, flow) == 125.0


def test_clock_stands_still_while_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pause_reading", "resume_reading"):
        monkeypatch.setattr(asyncio.Transport, name, lambda _self: None)
    loop = Loop()
    clock, flow = RequestClock(LIMITS), flow_of(loop)
    assert clock.body_deadline("a body", 0, 100.0, flow) == 110.0
    loop.now = 105.0
    flow.pause_reading()
    loop.now = 1000.0
    assert clock.body_deadline("a body", 0, 1000.0, flow) == 1005.0
    flow.resume_reading()
    loop.now = 1004.0
    assert clock.body_deadline("a body", 0, 1004.0, flow) == 1005.0


def test_an_address_has_a_share_of_what_there_is() -> None:
    shares = ClientShares(4, 2)

    def takes(address: str) -> bool:
        return shares.take(address_block(address))

    assert takes("2001:db8::1")
    assert takes("2001:db8::ffff")
    assert not takes("2001:db8::2")
    shares.give_back(address_block("2001:db8::1"))
    assert takes("2001:db8::3")
    assert takes("2001:db8:0:1::1")
    assert takes("127.0.0.1")
    assert not takes("127.0.0.2")
    shares.give_back("127.0.0.1")
    assert takes("127.0.0.2")


def test_who_is_trusted_is_limited_by_the_total_alone() -> None:
    shares = ClientShares(3, 1)
    assert [shares.take("") for _ in range(4)] == [True, True, True, False]
    shares.give_back("")
    assert shares.take("")
