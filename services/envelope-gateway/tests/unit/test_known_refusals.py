"""What is remembered of an exhausted quota, whatever the clock does."""

from hearback_contracts.config import QuotaConfig
from hearback_fleet.quotas import BoundQuota

NOW = 1_795_000_000.0


def quota() -> BoundQuota:
    config = QuotaConfig(id="few", categories=("feedback",), limit=2, window=60)
    return BoundQuota(config, "few", 0, ("feedback",))


def test_it_refuses_until_its_window_ends() -> None:
    few = quota()
    assert not few.is_refusing(NOW)
    few.refuse(NOW, NOW + 60)
    few.refuse(NOW + 1, NOW + 10)
    assert [few.is_refusing(NOW + seconds) for seconds in (1, 59, 60)] == [True, True, False]


def test_a_clock_that_was_set_back_or_on_forgets_it() -> None:
    few = quota()
    few.refuse(NOW, NOW + 60)
    assert not few.is_refusing(NOW - 3_600)
    assert not few.is_refusing(NOW + 3_600)
    few.refuse(NOW - 3_600, NOW - 3_590)
    assert [few.is_refusing(NOW + seconds) for seconds in (-3_595, -3_580, 0)] == [True, False, False]
