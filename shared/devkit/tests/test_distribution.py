"""Tests that share what takes long to start run in one worker; what waits runs beside what computes."""

from hearback_devkit.distribution import next_scope, scope_of

GROUPS = ["tests/browser tests/conformance", "tests/chaos/test_outages.py tests/chaos/test_repeats.py"]


def test_a_group_stays_together() -> None:
    assert scope_of("tests/browser/test_journeys.py::test_it[a/b::c]", GROUPS) == GROUPS[0]
    assert scope_of("tests/conformance/test_fates.py::test_it", GROUPS) == GROUPS[0]
    assert scope_of("tests/chaos/test_repeats.py::test_it", GROUPS) == GROUPS[1]


def test_other_tests_stay_with_their_file() -> None:
    for file in ("tests/chaos/test_mail.py", "tests/browser_tools/test_it.py"):
        assert scope_of(f"{file}::test_one[x]", GROUPS) == scope_of(f"{file}::test_two", GROUPS) == file


def test_half_of_the_workers_begin_with_what_waits_and_end_with_what_is_left() -> None:
    waiting = ["tests/chaos"]
    scopes = ["tests/browser tests/conformance", GROUPS[1], "tests/chaos_tools/test_it.py"]
    assert next_scope(scopes, waiting, waits=True) == GROUPS[1]
    assert next_scope(scopes[1:], waiting, waits=False) == scopes[2]
    assert next_scope(scopes[:1], waiting, waits=True) == scopes[0]
    assert next_scope(scopes[1:2], waiting, waits=False) == GROUPS[1]
