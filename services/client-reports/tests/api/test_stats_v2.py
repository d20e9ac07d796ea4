"""`stats_v2` in Sentry's shape."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome

PATH = "/api/0/organizations/demo/stats_v2/"
SUM, TIMES = "sum(quantity)", "sum(times_seen)"


@pytest_asyncio.fixture
async def counted(api: Any) -> Any:
    count, discard = partial(api.store.count, category=DataCategory.FEEDBACK), Outcome.CLIENT_DISCARD
    await api.store.add(
        count(5, times=4),
        count(2, ago=timedelta(minutes=61)),
        count(7, project_id=2, key_id=None, sdk=None),
        count(11, discard, "before_send", category=DataCategory.ERROR, key_id=4),
        count(13, discard, "", category=DataCategory.UNKNOWN, sdk="x/1"),
        count(17, ago=timedelta(days=3), category=DataCategory.ATTACHMENT),
        count(1000, project_id=3, organization_id=2),
    )
    return api


async def totals(api: Any, **parameters: Any) -> dict[Any, int]:
    values = {"field": SUM, "statsPeriod": "24h", "interval": "1h", **parameters}
    found = await api.get(PATH, **values)
    return {tuple(group["by"].values()): group["totals"][SUM] for group in found["groups"]}


async def test_shape(counted: Any) -> None:
    found = await counted.get(
        PATH, field=[SUM, TIMES], groupBy=["outcome", "category"], statsPeriod="3h", category="feedback"
    )
    assert found == {
        "start": "2026-11-24T09:00:00Z",
        "end": "2026-11-24T12:35:00Z",
        "intervals": [f"2026-11-24T{hour:02}:00:00Z" for hour in range(9, 13)],
        "groups": [
            {
                "by": {"outcome": "accepted", "category": "feedback"},
                "totals": {SUM: 14, TIMES: 6},
                "series": {SUM: [0, 0, 2, 12], TIMES: [0, 0, 1, 5]},
            }
        ],
    }


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {(): 38}),
        ({"groupBy": "outcome"}, {("accepted",): 14, ("client_discard",): 24}),
        (
            {"groupBy": ["category", "reason"], "outcome": "client_discard"},
            {("error", "before_send"): 11, ("unknown", ""): 13},
        ),
        ({"groupBy": "reason"}, {(None,): 14, ("before_send",): 11, ("",): 13}),
        ({"groupBy": "project"}, {(1,): 31, (2,): 7}),
        ({"groupBy": "key"}, {(1,): 20, (4,): 11, (None,): 7}),
        ({"groupBy": "sdk"}, {("sentry.python/2.75.0",): 18, (None,): 7, ("x/1",): 13}),
        ({"statsPeriod": "7d"}, {(): 55}),
        (
            {"statsPeriod": "7d", "interval": "1d", "groupBy": "category"},
            {("feedback",): 14, ("error",): 11, ("unknown",): 13, ("attachment",): 17},
        ),
        ({"statsPeriod": "2h", "interval": "10m"}, {(): 38}),
        ({"statsPeriod": "5m", "interval": "1m"}, {(): 36}),
        (
            {"statsPeriod": "7d", "interval": "6h", "groupBy": "outcome"},
            {("accepted",): 31, ("client_discard",): 24},
        ),
        ({"project": "1"}, {(): 31}),
        ({"project": "web"}, {(): 31}),
        ({"project": ["1", "project-2"]}, {(): 38}),
        ({"project": "-1"}, {(): 38}),
        ({"category": "user_report_v2"}, {(): 14}),
        ({"category": ["feedback", "error"]}, {(): 25}),
        ({"category": "unknown"}, {(): 13}),
        ({"outcome": ["accepted", "invalid"]}, {(): 14}),
        ({"reason": "before_send"}, {(): 11}),
        ({"key": "4"}, {(): 11}),
        ({"key_id": "4"}, {(): 11}),
        ({"sdk": "x/1"}, {(): 13}),
        ({"outcome": "invalid"}, {(): 0}),
        ({"outcome": "invalid", "groupBy": "reason"}, {}),
        ({"statsPeriod": "", "start": "2026-11-24T12:00:00", "end": "2026-11-24T13:00:00"}, {(): 36}),
        ({"statsPeriod": "", "start": "2026-11-21", "end": "2026-11-22", "interval": "1d"}, {(): 17}),
    ],
)
async def test_groups_and_filters(counted: Any, parameters: dict[str, Any], expected: dict[Any, int]) -> None:
    assert await totals(counted, **parameters) == expected


async def test_answers_have_a_bounded_number_of_groups(counted: Any) -> None:
    counted.configure(groups_max=3)
    asked = {"field": SUM, "statsPeriod": "24h"}
    assert len((await counted.get(PATH, groupBy="reason", **asked))["groups"]) == 3
    wrong = await counted.get(PATH, 400, groupBy=["key", "category", "project"], **asked)
    assert wrong["code"] == "invalid_query"


async def test_beyond_the_bound_the_largest_are_kept_and_the_rest_is_other(api: Any) -> None:
    """Values that senders invent turn no query into an error, and every count is in the answer."""
    invented = partial(api.store.count, outcome=Outcome.CLIENT_DISCARD, sdk="x/1")
    counts = [invented(number, reason=f"made up {number}", project_id=1 + number % 2) for number in range(1, 31)]
    await api.store.add(*counts, api.store.count(1))
    api.configure(groups_max=10)
    kept = {(f"made up {number}",): number for number in range(26, 31)}
    total = sum(range(1, 31))
    for interval in ("1h", "1d"):
        found = await totals(api, groupBy="reason", interval=interval)
        assert found == {**kept, (None,): 1, ("other",): total - sum(kept.values())}
    found = await totals(api, groupBy=["reason", "project"])
    assert found["other", 1] + found["other", 2] + sum(kept.values()) == total
    assert len(found) == 8
    assert await totals(api, groupBy=["sdk", "reason"], project="1", outcome="accepted") == {
        ("sentry.python/2.75.0", None): 1
    }
    for fields in ([SUM, TIMES], [TIMES]):
        answer = await api.get(PATH, field=fields, groupBy=["reason", "sdk"], statsPeriod="1h")
        assert sum(group["totals"][TIMES] for group in answer["groups"]) == 31


async def test_how_often_something_was_reported_has_two_names(counted: Any) -> None:
    found = await counted.get(PATH, field=["times_seen", TIMES], statsPeriod="24h")
    assert found["groups"][0]["totals"] == {"times_seen": 8, TIMES: 8}


@pytest.mark.parametrize(
    "wrong",
    [
        {"field": None}, {"field": "avg(quantity)"}, {"field": [SUM, "x"]}, {"groupBy": "nonsense"},
        {"groupBy": ["outcome", "user"]}, {"interval": "7h"}, {"interval": "x"}, {"statsPeriod": "x"},
        {"statsPeriod": "9999d"}, {"category": "nonsense"}, {"category": ["error", "Feedback"]},
        {"outcome": "nonsense"}, {"key": "x"}, {"key_id": "x"}, {"start": "2026-11-24", "statsPeriod": None},
        {"reason": "\x00"},
    ],
)  # fmt: skip
async def test_wrong_questions_are_400(counted: Any, wrong: dict[str, Any]) -> None:
    values = {"field": SUM, "statsPeriod": "24h", **wrong}
    body = await counted.get(PATH, 400, **{name: value for name, value in values.items() if value is not None})
    assert set(body) == {"detail", "code"}


async def test_what_lies_in_the_same_rows_outside_the_range_is_no_group(counted: Any) -> None:
    """Three days ago is in the same row of days as today, eleven o'clock in the same row of hours as twelve."""
    current = {"start": "2026-11-24T12:00:00", "end": "2026-11-24T13:00:00", "statsPeriod": ""}
    for asked in ({"statsPeriod": "24h", "interval": "1d"}, {"statsPeriod": "1h"}):
        assert ("attachment",) not in await totals(counted, groupBy="category", **asked)
    found = await totals(counted, groupBy="sdk", **current)
    assert found == {("sentry.python/2.75.0",): 16, (None,): 7, ("x/1",): 13}
    before = {"start": "2026-11-24T00:00:00", "end": "2026-11-24T12:00:00", "statsPeriod": ""}
    assert await totals(counted, groupBy="sdk", **before) == {("sentry.python/2.75.0",): 2}


async def test_sums_may_pass_64_bits(api: Any) -> None:
    biggest = 2**64 - 1
    for _ in range(3):
        await api.store.add(api.store.count(biggest))
    assert await totals(api) == {(): 3 * biggest}
    assert await totals(api, interval="1d") == {(): 3 * biggest}


async def test_tenants_see_only_their_own(counted: Any) -> None:
    path = "/api/0/organizations/organization-2/stats_v2/"
    await counted.get(path, 404, field=SUM)
    await counted.get(PATH, 403, field=SUM, project="3")
    owner = counted.caller(tenants={2: "owner"})
    found = await counted.client.get(path, params={"field": SUM, "statsPeriod": "1h"}, headers=owner)
    assert found.json()["groups"][0]["totals"] == {SUM: 1000}
    stranger = await counted.client.get(PATH, params={"field": SUM}, headers={"Authorization": "Bearer x"})
    assert stranger.status_code == 401
