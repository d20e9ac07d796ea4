"""The inbox's URL: mailbox, search, filters, and the open feedback."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Query
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.sources import FeedbackSource
from hearback_kit.api.params import read_time_range
from hearback_kit.errors import BadRequest
from hearback_kit.values.ids import parse_id
from hearback_web import PageScope

from feedback.domain.context import parse_any_event_id
from feedback.domain.statuses import STATUSES, UNRESOLVED
from feedback.service.app_state import AppState
from feedback.service.select_feedback import Filters, Searcher, select_exactly
from feedback.store.conditions import of_event
from feedback.store.feedback_read import Selection

ALL: Final = "all"
MAILBOXES: Final = (*STATUSES, ALL)
PERIODS: Final = ("24h", "7d", "14d", "30d", "90d")
_SLUG: Final = re.compile(r"(?:[^:\s]{1,200}:)?([0-9]{1,19})\Z", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_VALUES_MAX: Final = 200
_TEXT_MAX: Final = 5_000
PROJECT_CHOICES_MAX: Final = 20  # of more, some are listed, and others are found by name


@dataclass(frozen=True, slots=True)
class View:
    """The state of the inbox that its URL encodes; empty texts do not filter."""

    mailbox: str = UNRESOLVED
    query: str = ""
    projects: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    source: str = ""
    period: str = ""
    start: str = ""
    end: str = ""
    cursor: str = ""
    slug: str = ""

    @property
    def open_id(self) -> int | None:
        """The id of the open feedback, or None."""
        match = _SLUG.match(self.slug)
        return parse_id(match[1]) if match else None

    @property
    def has_filters(self) -> bool:
        """Whether filters or a search narrow the mailbox."""
        return bool(self.query.strip() or self.filter_count)

    @property
    def filter_count(self) -> int:
        """The number of filters, not counting the search."""
        times = self.period or self.start or self.end
        return sum(bool(given) for given in (self.projects, self.environments, self.source, times))

    @property
    def until(self) -> str:
        """The end of the time that is asked for; of a day, its last moment."""
        return f"{self.end}T23:59:59.999999" if _DAY.match(self.end) else self.end

    @property
    def search(self) -> str:
        """The query in the API's syntax, including the filter by source."""
        return f"{self.query} source:{self.source}".strip() if self.source else self.query.strip()

    def parameters(self) -> list[tuple[str, str]]:
        """Return the URL's query parameters, without those at their default."""
        found = [("mailbox", self.mailbox)] if self.mailbox != UNRESOLVED else []
        found += [("query", self.query)] if self.query else []
        found += [("project", one) for one in self.projects]
        found += [("environment", one) for one in self.environments]
        named = {"source": self.source, "statsPeriod": self.period, "start": self.start, "end": self.end}
        named |= {"cursor": self.cursor, "feedbackSlug": self.slug}
        return [*found, *((name, value) for name, value in named.items() if value)]

    def project_choices(self, organization: OrganizationConfig) -> list[tuple[str, bool]]:
        """Return (slug, is chosen) of the projects to offer, which include all chosen ones."""
        chosen_ones = [organization.find_project(name) for name in self.projects]
        slugs = [(one.slug, one in chosen_ones) for one in organization.projects]
        if len(slugs) > PROJECT_CHOICES_MAX:
            slugs.sort(key=lambda one: not one[1])
        chosen = sum(is_chosen for _, is_chosen in slugs)
        return slugs[: max(PROJECT_CHOICES_MAX, chosen)]

    @property
    def query_of_environments(self) -> str:
        """The chosen environments as a query string with its `?`, or empty."""
        query = urlencode([("environment", name) for name in self.environments])
        return f"?{query}" if query else ""

    def url(self, organization: str, **changes: Any) -> str:
        """Return the inbox's URL with fields of the view replaced."""
        query = urlencode(replace(self, **changes).parameters())
        path = f"/organizations/{organization}/feedback/"
        return f"{path}?{query}" if query else path

    def export_url(self, organization: str, form: str) -> str:
        """Return the URL of the API's export of everything that the view matches."""
        query = f"issue.category:feedback {self.search}".strip()
        if self.mailbox != ALL:
            query += f" is:{self.mailbox}"
        kept = [
            pair
            for pair in replace(self, cursor="", slug="", source="", end=self.until).parameters()
            if pair[0] != "mailbox"
        ]
        parameters = [*(pair for pair in kept if pair[0] != "query"), ("query", query), ("format", form)]
        return f"/api/0/organizations/{organization}/issues/?{urlencode(parameters)}"


def view_of(values: Mapping[str, str], projects: list[str], environments: list[str]) -> View:
    """Return the view of form or query values; raise BadRequest for an unknown mailbox or source, or a long text.

    The value `environments` adds a comma-separated list to the given environments.
    """
    mailbox, source = values.get("mailbox") or UNRESOLVED, values.get("source") or ""
    if mailbox not in MAILBOXES or (source and source not in set(FeedbackSource)):
        raise BadRequest("There is no such mailbox or source.", code="invalid_view")
    texts = {name: values.get(name) or "" for name in ("query", "start", "end", "cursor")}
    if (
        any(len(text) > _TEXT_MAX for text in texts.values())
        or max(len(projects), len(environments)) > _VALUES_MAX
    ):
        raise BadRequest("The address of this page is too long.", code="too_long")
    named = [*environments, *(one.strip() for one in (values.get("environments") or "").split(","))]
    return View(
        mailbox=mailbox,
        projects=tuple(one for one in projects if one and one != "-1"),
        environments=tuple(dict.fromkeys(one for one in named if one))[:_VALUES_MAX],
        source=source,
        period=values.get("statsPeriod") or "",
        slug=(values.get("feedbackSlug") or "")[:_TEXT_MAX],
        **texts,
    )


Text = Annotated[str, Query(max_length=_TEXT_MAX)]
Texts = Annotated[list[str], Query(max_length=_VALUES_MAX)]


async def read_view(
    mailbox: Text = "",
    query: Text = "",
    project: Texts = [],  # noqa: B006
    environment: Texts = [],  # noqa: B006
    environments: Text = "",
    source: Text = "",
    stats_period: Annotated[str, Query(alias="statsPeriod", max_length=20)] = "",
    start: Text = "",
    end: Text = "",
    cursor: Text = "",
    slug: Annotated[str, Query(alias="feedbackSlug", max_length=_TEXT_MAX)] = "",
) -> View:
    """Return the view of the URL; raise BadRequest."""
    values = {"mailbox": mailbox, "query": query, "source": source, "statsPeriod": stats_period}
    values |= {"start": start, "end": end, "cursor": cursor, "feedbackSlug": slug, "environments": environments}
    return view_of(values, project, environment)


ViewDep = Annotated[View, Depends(read_view)]


@dataclass(frozen=True, slots=True)
class Found:
    """The matches of a view in every mailbox, and in the shown ones.

    With `names_mailboxes` the search itself selects mailboxes, so the tabs show no counts.
    """

    everywhere: Selection
    shown: Selection
    names_mailboxes: bool = False


async def find(state: AppState, scope: PageScope, view: View) -> Found:
    """Return what a view matches; raise InvalidSearch, BadRequest, or Forbidden for another's project."""
    now: datetime = state.clock.now()
    times = read_time_range(now, stats_period=view.period, start=view.start, end=view.until)
    project_ids = scope.project_ids(list(view.projects))
    event_id = parse_any_event_id(view.query.strip())
    if event_id is not None:
        found = select_exactly(scope.organization, project_ids, of_event(event_id))
        return Found(found, found, names_mailboxes=True)
    filters = Filters(project_ids, view.environments, times.start, times.end)
    query = f"issue.category:feedback {view.search}"
    everywhere = await state.select(Searcher(scope.organization, scope.principal.email), query, filters, now)
    if set(everywhere.statuses) != set(STATUSES) or view.mailbox == ALL:
        return Found(everywhere, everywhere, names_mailboxes=set(everywhere.statuses) != set(STATUSES))
    return Found(everywhere, replace(everywhere, statuses=(view.mailbox,)))
