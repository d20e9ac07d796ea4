"""The limits of clients: pace and connections per address."""

import pytest
from hearback_local.edge.pace import Pace
from hearback_local.edge.shares import Shares


def pace() -> Pace:
    return Pace(100.0, grace_seconds=10.0, bytes_per_second_min=50.0, seconds_max=60.0)


@pytest.mark.parametrize(
    ("received", "now", "is_late"),
    [(0, 110.0, False), (0, 110.5, True), (500, 120.0, False), (500, 120.5, True), (10**6, 160.5, True)],
)
def test_bytes_extend_a_deadline_up_to_the_total_time(received: int, now: float, is_late: bool) -> None:
    watched = pace()
    watched.received(received)
    assert watched.is_late(now) is is_late


def test_clock_stands_still_while_nothing_is_read() -> None:
    watched = pace()
    watched.pause(105.0)
    assert not watched.is_late(1000.0)
    watched.resume(1000.0)
    assert not watched.is_late(1005.0)
    assert watched.is_late(1005.5)


def test_an_address_has_a_share_of_what_there_is() -> None:
    shares = Shares(total_max=4, per_address_max=2)
    assert shares.take("2001:db8::1")
    assert shares.take("2001:db8::ffff")
    assert not shares.take("2001:db8::2")
    shares.give_back("2001:db8::1")
    assert shares.take("2001:db8::3")
    assert shares.take("2001:db8:0:1::1")
    assert shares.take("127.0.0.1")
    assert not shares.take("127.0.0.2")
    shares.give_back("127.0.0.1")
    assert shares.take("127.0.0.2")
