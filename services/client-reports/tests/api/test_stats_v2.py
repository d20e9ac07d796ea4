"""`stats_v2` in Sentry's shape."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from client_reports.domain.counting import Count, CountKey, Effects
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome

PATH = "/api/0/organizations/demo/stats_v2/"
SUM, TIMES = "sum(quantity)", "sum(times_seen)"


def count(
    store: Any,
    quantity: int,
    *,
    minutes_ago: float = 0,
    project_id: int = 1,
    key_id: int | None = 1,
    category: DataCategory = DataCategory.FEEDBACK,
    outcome: Outcome = Outcome.ACCEPTED,
    reason: str | None = None,
    sdk: str | None = "sentry.python/2.75.0",
    organization_id: int = 1,
    times: int = 1,
) -> Count:
    minute = (store.clock.now() - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
    key = CountKey(organization_id, project_id, key_id, int(category), int(outcome), reason, sdk, minute)
    return Count(key, quantity, times)


@pytest_asyncio.fixture
async def counted(api: Any) -> Any:
    store, discard = api.store, Outcome.CLIENT_DISCARD
    counts = (
        count(store, 5, times=4),
        count(store, 2, minutes_ago=61),
        count(store, 7, project_id=2, key_id=None, sdk=None),
        count(store, 11, category=DataCategory.ERROR, outcome=discard, reason="before_send", key_id=4),
        count(store, 13, category=DataCategory.UNKNOWN, outcome=discard, reason="", sdk="x/1"),
        count(store, 17, minutes_ago=60 * 24 * 3, category=DataCategory.ATTACHMENT),
        count(store, 1000, project_id=3, organization_id=2),
    )
    await store.recorder().record([Effects(uuid4(), store.clock.now(), counts)])
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
        ({"statsPeriod": None, "start": "2026-11-24T12:00:00", "end": "2026-11-24T13:00:00"}, {(): 36}),
        ({"statsPeriod": None, "start": "2026-11-21", "end": "2026-11-22", "interval": "1d"}, {(): 17}),
    ],
)
async def test_groups_and_filters(counted: Any, parameters: dict[str, Any], expected: dict[Any, int]) -> None:
    given = {name: value for name, value in parameters.items() if value is not None}
    if "statsPeriod" in parameters and parameters["statsPeriod"] is None:
        found = await counted.get(PATH, field=SUM, **given)
        assert {tuple(group["by"].values()): group["totals"][SUM] for group in found["groups"]} == expected
    else:
        assert await totals(counted, **given) == expected


async def test_answers_have_a_bounded_number_of_groups(counted: Any) -> None:
    counted.configure(groups_max=3)
    asked = {"field": SUM, "statsPeriod": "24h"}
    assert len((await counted.get(PATH, groupBy="reason", **asked))["groups"]) == 3
    wrong = await counted.get(PATH, 400, groupBy=["key", "category", "project"], **asked)
    assert wrong["code"] == "invalid_query"


async def test_beyond_the_bound_the_largest_are_kept_and_the_rest_is_other(api: Any) -> None:
    """Values that senders invent turn no query into an error, and every count is in the answer."""
    discard = Outcome.CLIENT_DISCARD
    counts = [
        count(api.store, number, outcome=discard, reason=f"made up {number}", project_id=1 + number % 2, sdk="x/1")
        for number in range(1, 31)
    ]
    counts.append(count(api.store, 1))
    await api.store.recorder().record([Effects(uuid4(), api.store.clock.now(), tuple(counts))])
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


async def test_how_often_something_was_told_has_two_names(counted: Any) -> None:
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
        counts = (count(api.store, biggest),)
        await api.store.recorder().record([Effects(uuid4(), api.store.clock.now(), counts)])
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
