"""Outcomes over time: accepted, dropped by the fleet, dropped by SDKs, and the reasons."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome
from hearback_kit.api.exports import csv_lines
from hearback_kit.api.params import choices
from hearback_kit.values.periods import parse_period
from hearback_kit.values.times import wire_time
from hearback_web import PageScope
from hearback_web.texts import gettext as _
from starlette.responses import Response

from client_reports.domain.overview import COUNTED, ReasonTotal, overview
from client_reports.domain.stats import InvalidStats, StatsQuery, category_ids, window
from client_reports.errors import InvalidQuery
from client_reports.pages.deps import PAGES, StateDep, StatsReader, current_slug, project_choices, reason_values
from client_reports.service.answer_stats import answer_stats
from client_reports.service.app_state import AppState

# The longest period, in hours, that an interval suits; longer ones have days.
_INTERVALS: Final = ((24, "1h"), (7 * 24, "6h"))
ROWS_SHOWN: Final = 25
_QUANTITY: Final = ("sum(quantity)",)
router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=200)]


@dataclass(slots=True)
class Choice:
    """Dependency: the filters of the page; empty texts do not filter."""

    period: Annotated[str, Query(alias="statsPeriod", max_length=20)] = "7d"
    project: Text = ""
    category: Text = ""
    format: Annotated[str, Query(max_length=10)] = ""

    def __post_init__(self) -> None:
        self.period = self.period.strip() or "7d"
        choices("format", [self.format], {"": "", "csv": "csv"})

    @property
    def interval(self) -> str:
        """The length of an interval of the chart."""
        hours = (parse_period(self.period) or timedelta()) / timedelta(hours=1)
        return next((interval for most, interval in _INTERVALS if hours <= most), "1d")


@router.get("/organizations/{organization}/stats/")
async def stats_page(
    request: Request, state: StateDep, scope: StatsReader, choice: Annotated[Choice, Depends()]
) -> Response:
    """Show the outcomes of a period, with the numbers behind each chart; `format=csv` exports them."""
    if choice.format == "csv":
        return await _csv(state, scope, choice)
    choice.project = current_slug(scope.organization, choice.project)
    by_reason = _query(state, scope, choice, ("outcome", "category", "reason"))
    by_sdk = _query(state, scope, choice, ("outcome", "sdk"))
    reasons, sdks = await asyncio.gather(answer_stats(state, by_reason), answer_stats(state, by_sdk))
    found = overview(by_reason.window, reasons, sdks)
    return PAGES.render(
        request,
        "stats.html",
        choice=choice,
        found=found,
        unit=DataCategory.parse(choice.category).unit if choice.category else "count",
        interval=choice.interval,
        projects=project_choices(scope.organization),
        periods=[
            ("24h", _("Last 24 hours")),
            ("7d", _("Last 7 days")),
            ("30d", _("Last 30 days")),
            ("90d", _("Last 90 days")),
        ],
        categories=[("", _("All counted data")), *_category_names().items()],
        category_name=lambda name: _category_names().get(name) or name.replace("_", " "),
        by_sdks=[_reason(scope, choice, one) for one in found.by_sdks[:ROWS_SHOWN]],
        here=[_reason(scope, choice, one) for one in found.here[:ROWS_SHOWN]],
        outcome_name=_outcome,
        rows_max=ROWS_SHOWN,
    )


def _query(state: AppState, scope: PageScope, choice: Choice, groups: tuple[str, ...]) -> StatsQuery:
    try:
        categories = category_ids([choice.category]) if choice.category else COUNTED
        asked = window(
            now=state.clock.now(),
            points_max=state.settings.points_max,
            period=choice.period,
            interval=choice.interval,
        )
    except InvalidStats as error:
        raise InvalidQuery(str(error)) from error
    return StatsQuery(
        window=asked,
        fields=_QUANTITY,
        groups=groups,
        organization_id=scope.organization.id,
        projects=tuple(scope.project_ids([choice.project] if choice.project else None)),
        categories=tuple(categories),
    )


async def _csv(state: AppState, scope: PageScope, choice: Choice) -> Response:
    """Return every non-zero number by time and all dimensions."""
    query = _query(state, scope, choice, ("project", "outcome", "category", "reason", "sdk"))
    times = [wire_time(at, "seconds") for at in query.window.intervals()]
    header = ("time", "project", "outcome", "category", "reason", "sdk", "quantity")
    lines = [
        (at, *_names(scope, row.by), quantity)
        for row in await answer_stats(state, query)
        for at, quantity in zip(times, row.series[0], strict=True)
        if quantity
    ]
    disposition = f'attachment; filename="outcomes-{choice.period}.csv"'
    content, headers = csv_lines([header, *lines]), {"Content-Disposition": disposition}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _names(scope: PageScope, by: tuple[Any, ...]) -> tuple[str, ...]:
    project_id, outcome, category, reason, sdk = by
    slug = scope.organization.project_slug(project_id)
    return (slug, str(Outcome(outcome)), str(DataCategory(category)), reason or "", sdk or "")


def _reason(scope: PageScope, choice: Choice, one: ReasonTotal) -> dict[str, Any]:
    is_of_sdk = one.outcome == str(Outcome.CLIENT_DISCARD)
    return reason_values(scope.organization, choice.project or None, one.reason, is_of_sdk=is_of_sdk) | {
        "outcome": _outcome(one.outcome),
        "quantity": one.quantity,
        "in_journal": one.in_journal,
    }


def _outcome(name: str) -> str:
    return {
        "accepted": _("Accepted"),
        "filtered": _("Filtered here"),
        "rate_limited": _("Over a quota"),
        "invalid": _("Refused here"),
        "abuse": _("Abuse"),
        "client_discard": _("Dropped by SDKs"),
        "cardinality_limited": _("Over a limit of names"),
    }[name]


def _category_names() -> dict[str, str]:
    """Return the labels of the categories to choose from."""
    return {
        "error": _("Errors"),
        "feedback": _("Feedback"),
        "attachment": _("Attachments, in bytes"),
        "attachment_item": _("Attachments"),
        "transaction": _("Transactions"),
        "span": _("Spans"),
        "session": _("Sessions"),
        "replay": _("Replays"),
        "log_item": _("Logs"),
        "monitor": _("Check-ins"),
        "profile": _("Profiles"),
        "security": _("Security reports"),
        "default": _("Messages"),
        "unknown": _("Client reports and unknown data"),
    }
