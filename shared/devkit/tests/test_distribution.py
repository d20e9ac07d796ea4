"""Tests that share what takes long to start run in one worker."""

from hearback_devkit.distribution import scope_of

GROUPS = ["tests/browser tests/conformance", "tests/chaos/test_outages.py tests/chaos/test_repeats.py"]


def test_a_group_stays_together() -> None:
    assert scope_of("tests/browser/test_journeys.py::test_it[a/b::c]", GROUPS) == GROUPS[0]
    assert scope_of("tests/conformance/test_fates.py::test_it", GROUPS) == GROUPS[0]
    assert scope_of("tests/chaos/test_repeats.py::test_it", GROUPS) == GROUPS[1]


def test_other_tests_stay_with_their_file() -> None:
    for file in ("tests/chaos/test_mail.py", "tests/browser_tools/test_it.py"):
        assert scope_of(f"{file}::test_one[x]", GROUPS) == scope_of(f"{file}::test_two", GROUPS) == file
