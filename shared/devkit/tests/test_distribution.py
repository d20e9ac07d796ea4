"""Tests that share what takes long to start run in one worker; what takes long runs beside what does not."""

from hearback_devkit.distribution import in_turn, scope_of

GROUPS = ["tests/browser tests/conformance", "tests/chaos/test_outages.py tests/chaos/test_repeats.py"]


def test_a_group_stays_together() -> None:
    assert scope_of("tests/browser/test_journeys.py::test_it[a/b::c]", GROUPS) == GROUPS[0]
    assert scope_of("tests/conformance/test_fates.py::test_it", GROUPS) == GROUPS[0]
    assert scope_of("tests/chaos/test_repeats.py::test_it", GROUPS) == GROUPS[1]


def test_other_tests_stay_with_their_file() -> None:
    for file in ("tests/chaos/test_mail.py", "tests/browser_tools/test_it.py"):
        assert scope_of(f"{file}::test_one[x]", GROUPS) == scope_of(f"{file}::test_two", GROUPS) == file


def test_slow_ones_stand_between_quick_ones_and_never_at_the_end() -> None:
    quick = [f"q{number}" for number in range(40)]
    order = in_turn(["g1", "g2", "g3"], ["s1", "s2"], quick)
    assert order[:2] == ["g1", "g2"]
    assert [scope for scope in order if scope in quick] == quick
    assert [order.index(scope) for scope in ("g3", "s1", "s2")] == [12, 23, 34]
    assert in_turn(["g1"], ["s1"], []) == ["g1", "s1"]
