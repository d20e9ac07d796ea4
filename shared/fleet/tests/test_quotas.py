"""Quotas of reports that come in no envelope: which refuse, and what counts."""

from typing import Any

import pytest
from hearback_contracts.config import ProjectConfig, QuotaConfig
from hearback_contracts.rate_limits import rate_limit_headers
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.testing import ManualClock
from hearback_fleet.quotas import ReportQuotas

FORM, API = FeedbackSource.CRASH_REPORT_EMBED_FORM, FeedbackSource.USER_REPORT_DJANGO_ENDPOINT


class Counters:
    """The limiter's answers: each counter passes so often."""

    def __init__(self, passes: int) -> None:
        self.left = passes
        self.asked: list[list[str]] = []

    async def check(self, checks: Any) -> list[tuple[int, ...]]:
        [check] = checks
        self.asked.append([limit.name for limit in check.limits])
        self.left -= 1
        return [() if self.left >= 0 else tuple(600 for _ in check.limits)]


def project(**quota: Any) -> ProjectConfig:
    quotas = (QuotaConfig(**{"id": "few", "categories": ("feedback",), "limit": 1, "window": 3_600} | quota),)
    return ProjectConfig(id=1, slug="web", name="Web", organization_id=7, organization_slug="demo", quotas=quotas)


@pytest.mark.parametrize(
    ("quota", "source", "headers"),
    [
        ({"limit": 0, "window": None}, FORM, "60:feedback:organization"),
        ({"limit": 0, "window": None, "categories": ()}, API, "60::organization"),
        ({"limit": 0, "window": None, "sources": (FORM,)}, FORM, "60:user_report:organization"),
        ({"limit": 0, "window": None, "scope": "key", "reason_code": "few"}, FORM, "60:feedback:key:few"),
        ({"limit": 0, "window": None, "sources": (FORM,)}, API, None),
        ({"limit": 0, "window": None, "categories": ("error",)}, FORM, None),
        ({"limit": None, "window": 60}, FORM, None),
    ],
)
async def test_which_quotas_are_about_a_report(quota: dict[str, Any], source: str, headers: str | None) -> None:
    counters: Any = Counters(9)
    refused = await ReportQuotas(counters, ManualClock()).refusals(project(**quota), 5, source)
    assert dict(rate_limit_headers(refused)).get("x-sentry-rate-limits") == headers


async def test_a_report_without_a_key_meets_no_quota_of_keys() -> None:
    counters: Any = Counters(9)
    quotas = ReportQuotas(counters, ManualClock())
    assert not await quotas.refusals(project(limit=0, window=None, scope="key"), None, API)


async def test_an_exhausted_quota_is_not_asked_again_until_it_may_pass() -> None:
    counters: Any = Counters(1)
    clock = ManualClock()
    quotas, mine = ReportQuotas(counters, clock), project(scope="project")
    assert not await quotas.refusals(mine, 5, FORM)
    for seconds in (300, 200):  # what is left of the longest wait that is reported
        (limit,) = await quotas.refusals(mine, 5, FORM)
        assert limit.retry_after_seconds == seconds
        clock.move(seconds=100)
    assert counters.asked == [["quota:few:project:1"]] * 2
    clock.move(seconds=200)
    await quotas.refusals(mine, 5, FORM)
    assert len(counters.asked) == 3
