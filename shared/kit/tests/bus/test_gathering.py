"""The moment in which a batch fills."""

import pytest
from hearback_kit.bus.gathering import Gathering


def reading(gathering: Gathering, pauses: float, times: int, *, messages: int = 2, full: bool = False) -> float:
    """Count reads at equal distances; return the time of the last."""
    for turn in range(times):
        gathering.count(turn * pauses, messages, full=full)
    return (times - 1) * pauses


def test_the_first_message_does_not_wait():
    gathering = Gathering(0.05)
    assert gathering.seconds(0) == 0
    gathering.count(0, 1, full=False)
    assert gathering.seconds(0) == 0


def test_few_messages_do_not_wait():
    gathering = Gathering(0.05)
    last = reading(gathering, 0.2, 50)
    assert gathering.seconds(last) == 0


def test_under_load_reads_begin_the_moment_apart():
    gathering = Gathering(0.05)
    last = reading(gathering, 0.01, 400)
    assert gathering.seconds(last) == pytest.approx(0.05)
    assert gathering.seconds(last + 0.02) == pytest.approx(0.03), "the batch before counts"
    assert gathering.seconds(last + 0.06) == 0


def test_where_many_come_reads_begin_sooner():
    gathering = Gathering(0.4)
    last = reading(gathering, 0.01, 400, messages=3)
    assert gathering.seconds(last) == pytest.approx(0.3, rel=0.1), "90 messages"
    many = Gathering(0.4)
    last = reading(many, 0.01, 400, messages=50)
    assert many.seconds(last) == pytest.approx(0.2), "half of it"


def test_after_a_pause_nothing_waits_again():
    gathering = Gathering(0.05)
    last = reading(gathering, 0.01, 400)
    gathering.count(last + 5, 1, full=False)
    assert gathering.seconds(last + 5) == 0


def test_a_short_burst_is_no_load():
    gathering = Gathering(0.05)
    gathering.count(0, 0, full=False)
    gathering.count(0.01, 20, full=False)
    assert gathering.seconds(0.01) == 0


def test_a_backlog_does_not_wait():
    gathering = Gathering(0.05)
    last = reading(gathering, 0.01, 400, messages=64, full=True)
    assert gathering.seconds(last) == 0


def test_without_a_moment_nothing_waits():
    gathering = Gathering(0)
    last = reading(gathering, 0.01, 400)
    assert gathering.seconds(last) == 0
