"""When transactions wait to fill, and when not."""

import pytest
from hearback_kit.bus.commit_linger import CommitLinger

SECONDS = 0.02


def arrive(linger: CommitLinger, start: float, gaps: list[float]) -> tuple[list[int], float]:
    """Let requests arrive with these gaps between them; return how many each transaction had, and the time."""
    times, now = [], start
    for gap in gaps:
        now += gap
        times.append(now)
    batches: list[int] = []
    waiting, due = 0, 0.0
    for at in times:
        if waiting and due <= at:
            linger.begin(due, waiting)
            batches.append(waiting)
            waiting = 0
        waiting += 1
        due = at + linger.seconds(at, waiting)
        if due <= at:
            linger.begin(at, waiting)
            batches.append(waiting)
            waiting = 0
    return batches, now


def one_after_the_other(linger: CommitLinger, start: float, count: int, seconds: float) -> tuple[float, float]:
    """Let a client send its next request when the last is answered; return its waits in all, and the time."""
    waited, now = 0.0, start
    for _ in range(count):
        wait = linger.seconds(now, 1)
        waited, now = waited + wait, now + wait
        linger.begin(now, 1)
        now += seconds
    return waited, now


def test_rare_requests_never_wait() -> None:
    batches, _ = arrive(CommitLinger(SECONDS, 16), 0, [0.1] * 50)
    assert batches == [1] * 50


@pytest.mark.parametrize(("per_second", "least"), [(150, 1.6), (700, 10)])
def test_frequent_requests_share_transactions(per_second: int, least: float) -> None:
    linger = CommitLinger(SECONDS, 16)
    _, now = arrive(linger, 0, [1 / per_second] * 2 * per_second)
    batches, _ = arrive(linger, now, [1 / per_second] * per_second)
    assert sum(batches) / len(batches) >= least


def test_so_many_do_not_wait() -> None:
    linger = CommitLinger(SECONDS, 16)
    batches, _ = arrive(linger, 0, [1e-4] * 4_000)
    assert max(batches) == 16
    assert linger.seconds(10, 16) == 0


def test_a_client_that_sends_one_after_the_other_soon_does_not_wait() -> None:
    linger = CommitLinger(SECONDS, 16)
    waited, now = one_after_the_other(linger, 0, 300, 0.003)
    assert 0 < waited < 0.3, "it is tried"
    waited, end = one_after_the_other(linger, now, 5_000, 0.003)
    assert waited < 0.1 * (end - now)


def test_waits_again_when_others_come() -> None:
    linger = CommitLinger(SECONDS, 16)
    _, now = one_after_the_other(linger, 0, 2_000, 0.003)
    _, now = arrive(linger, now, [1 / 300] * 300 * 20)
    batches, _ = arrive(linger, now, [1 / 300] * 600)
    assert sum(batches) / len(batches) >= 4


def test_servers_sleep_as_long_as_transactions_lie_apart() -> None:
    linger = CommitLinger(SECONDS, 16)
    assert linger.rest(0, 0) == 0
    now = 0.0
    for _ in range(400):
        now += 0.01
        linger.begin(now, 2)
    assert linger.rest(now, now) == pytest.approx(SECONDS)
    assert linger.rest(now, now + 0.005) == pytest.approx(SECONDS - 0.005)
    assert linger.rest(now, now + 1) == 0
    for _ in range(400):
        now += 0.01
        linger.begin(now, 40)
    assert linger.rest(now, now) == pytest.approx(16 / 4_000, rel=0.1)


def test_server_that_sleeps_for_one_client_soon_does_not() -> None:
    linger = CommitLinger(SECONDS, 16)
    slept, now = 0.0, 0.0
    for _ in range(5_000):
        wait = linger.rest(now, now)
        slept, now = slept + wait, now + wait
        linger.begin(now, 1)
        now += 0.003
    assert 0 < slept < 0.1 * now


def test_none_is_used_by_default() -> None:
    linger = CommitLinger(0, 16)
    assert not linger.is_used
    assert arrive(linger, 0, [0.001] * 100)[0] == [1] * 100
