"""Series: bounded per project and hour, the rest under `other`."""

from datetime import UTC, datetime, timedelta

from client_reports.domain.counting import CountKey, Sum, Sums
from client_reports.domain.series import ProjectHour, Series, SeriesLimit, folded, hour_of, series_of
from hearback_contracts.outcomes import Outcome
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLDEST = NOON - timedelta(days=90)


def key(reason: str | None, *, sdk: str | None = "x/1", minute: datetime = NOON, project_id: int = 1) -> CountKey:
    return CountKey(1, project_id, 1, 1, int(Outcome.CLIENT_DISCARD), reason, sdk, minute)


def fold(limit: SeriesLimit, *keys: CountKey, stored: dict[ProjectHour, list[Series]] | None = None) -> Sums:
    return limit.fold({one: Sum(2, 1) for one in keys}, stored or {}, oldest=OLDEST)


def test_what_fits_is_counted_apart() -> None:
    limit = SeriesLimit(3)
    keys = [key(f"r{number}") for number in range(3)]
    assert fold(limit, *keys).keys() == set(keys)
    assert fold(limit, *keys).keys() == set(keys)


def test_the_rest_is_other() -> None:
    limit = SeriesLimit(3)
    found = fold(limit, *(key(f"r{number}") for number in range(10)))
    assert set(found) == {key("r0"), key("r1"), key("r2"), key("other", sdk="other")}
    assert found[key("other", sdk="other")] == Sum(14, 7)


def test_reasons_of_the_lists_keep_their_name() -> None:
    assert [folded(key(reason)).reason for reason in ("before_send", "empty", "", None, "made up")] == [
        "before_send",
        "empty",
        "",
        None,
        "other",
    ]
    assert folded(key("x", sdk=None)).sdk is None


def test_each_hour_and_project_has_its_own_bound() -> None:
    limit = SeriesLimit(1)
    keys = [key("a"), key("b", minute=NOON + timedelta(hours=1)), key("c", project_id=2)]
    assert fold(limit, *keys).keys() == set(keys)


def test_what_is_stored_counts() -> None:
    limit, hour = SeriesLimit(2), hour_of(key("a"))
    stored = {hour: [series_of(key("a")), series_of(key("b"))]}
    found = fold(limit, key("a"), key("c"), stored=stored)
    assert set(found) == {key("a"), key("other", sdk="other")}


def test_the_database_is_asked_once_and_not_about_full_hours() -> None:
    limit = SeriesLimit(2)
    one: Sums = {key("a"): Sum(1, 1)}
    assert limit.unknown_hours(one, oldest=OLDEST) == {hour_of(key("a"))}
    fold(limit, key("a"))
    assert limit.unknown_hours(one, oldest=OLDEST) == set()
    assert limit.unknown_hours({key("b"): Sum(1, 1)}, oldest=OLDEST) == {hour_of(key("a"))}
    fold(limit, key("b"))
    assert limit.unknown_hours({key("c"): Sum(1, 1)}, oldest=OLDEST) == set()
    limit.forget({hour_of(key("a"))})
    assert limit.unknown_hours(one, oldest=OLDEST) == {hour_of(key("a"))}


def test_before_the_hours_are_kept_nothing_is_counted_apart() -> None:
    limit = SeriesLimit(9)
    late = key("made up", minute=OLDEST - timedelta(hours=1))
    assert limit.unknown_hours({late: Sum(1, 1)}, oldest=OLDEST) == set()
    assert list(fold(limit, late)) == [folded(late)]


def test_memory_is_bounded() -> None:
    limit = SeriesLimit(10, remembered_max=20)
    for hours in range(100):
        fold(limit, *(key(f"r{number}", minute=NOON + timedelta(hours=hours)) for number in range(5)))
    old, new = key("r0"), key("r0", minute=NOON + timedelta(hours=99))
    assert limit.unknown_hours({old: Sum(1, 1), new: Sum(1, 1)}, oldest=OLDEST) == {hour_of(old)}


KEYS = st.builds(
    key,
    st.sampled_from(["a", "b", "c", "empty", None]),
    sdk=st.sampled_from([None, "x/1", "y/1"]),
    minute=st.sampled_from([NOON, NOON + timedelta(minutes=1), NOON + timedelta(hours=1), OLDEST]),
)


@given(st.lists(st.dictionaries(KEYS, st.builds(Sum, st.integers(0, 9), st.integers(0, 9)))), st.integers(1, 4))
def test_nothing_is_lost_and_the_bound_holds(batches: list[Sums], series_max: int) -> None:
    limit = SeriesLimit(series_max)
    seen: dict[ProjectHour, set[Series]] = {}
    for sums in batches:
        kept = limit.fold(sums, {}, oldest=OLDEST)
        for amount in ("quantity", "times"):
            assert sum(getattr(one, amount) for one in kept.values()) == sum(
                getattr(one, amount) for one in sums.values()
            )
        for one in kept:
            if one != folded(one):
                seen.setdefault(hour_of(one), set()).add(series_of(one))
    assert all(len(series) <= series_max for series in seen.values())
