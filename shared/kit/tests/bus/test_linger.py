"""How long reads linger."""

import pytest
from hearback_kit.bus.linger import Linger


def reading(linger: Linger, pauses: float, times: int, *, messages: int = 2, full: bool = False) -> float:
    """Count reads at equal distances; return the time of the last."""
    for turn in range(times):
        linger.count(turn * pauses, messages, full=full)
    return (times - 1) * pauses


def test_the_first_message_does_not_wait():
    linger = Linger(0.05)
    assert linger.seconds(0) == 0
    linger.count(0, 1, full=False)
    assert linger.seconds(0) == 0


def test_few_messages_do_not_wait():
    linger = Linger(0.05)
    last = reading(linger, 0.2, 50)
    assert linger.seconds(last) == 0


def test_under_load_reads_begin_the_linger_apart():
    linger = Linger(0.05)
    last = reading(linger, 0.01, 400)
    assert linger.seconds(last) == pytest.approx(0.05)
    assert linger.seconds(last + 0.02) == pytest.approx(0.03), "the batch before counts"
    assert linger.seconds(last + 0.06) == 0


def test_where_many_come_reads_begin_sooner():
    linger = Linger(0.4)
    last = reading(linger, 0.01, 400, messages=5)
    assert linger.seconds(last) == pytest.approx(0.28, rel=0.1), "140 messages"
    many = Linger(0.4)
    last = reading(many, 0.01, 400, messages=50)
    assert many.seconds(last) == pytest.approx(0.2), "half of it"


def test_after_a_pause_nothing_waits_again():
    linger = Linger(0.05)
    last = reading(linger, 0.01, 400)
    linger.count(last + 5, 1, full=False)
    assert linger.seconds(last + 5) == 0


def test_a_short_burst_is_no_load():
    linger = Linger(0.05)
    linger.count(0, 0, full=False)
    linger.count(0.01, 20, full=False)
    assert linger.seconds(0.01) == 0


def test_a_backlog_does_not_wait():
    linger = Linger(0.05)
    last = reading(linger, 0.01, 400, messages=64, full=True)
    assert linger.seconds(last) == 0


def test_without_a_linger_nothing_waits():
    linger = Linger(0)
    last = reading(linger, 0.01, 400)
    assert linger.seconds(last) == 0
