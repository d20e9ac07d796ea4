"""Turn a search query and filters into a selection of feedback."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeGuard

from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature
from hearback_fleet.configuration import Configuration
from hearback_kit.db import Database

from feedback.domain.search import parse_search
from feedback.domain.search_keys import PROJECT_KEYS
from feedback.domain.search_terms import Match, Search, SearchError, Term
from feedback.domain.statuses import STATUSES
from feedback.errors import InvalidSearch
from feedback.settings import Settings
from feedback.store.conditions import conditions, in_environments, seen_between
from feedback.store.facet_conditions import Condition
from feedback.store.feedback_read import Selection
from feedback.store.search_names import find_unknown


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters in addition to the query; `start` and `end` bound `lastSeen`."""

    project_ids: Sequence[int]
    environments: Sequence[str] = ()
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Searcher:
    """The organization that is searched, and the e-mail address that `me` stands for."""

    organization: OrganizationConfig
    email: str | None = None

    def member_ids(self, value: str | None) -> list[int]:
        """Return the members that a value of `assigned:` names, all for None."""
        if value is None:
            return [member.id for member in self.organization.members]
        text = value.removeprefix("user:").lower()
        if text == "me":
            text = (self.email or "").lower()
        return [
            member.id
            for member in self.organization.members
            if text and text in {member.email.lower(), str(member.id), (member.name or "").lower()}
        ]


class SelectFeedback:
    """Resolves searches: their syntax, and the names in them."""

    def __init__(self, database: Database, configuration: Configuration, settings: Settings) -> None:
        self._database = database
        self._configuration = configuration
        self._settings = settings

    async def __call__(self, searcher: Searcher, query: str, filters: Filters, now: datetime) -> Selection:
        """Return the selection of a query and filters; raise InvalidSearch.

        It is empty for a query on other issue categories, and where feedback is hidden.
        """
        search = self._parse(query, now)
        organization = searcher.organization
        if not (search.asks_feedback and organization.feature(Feature.VISIBLE)):
            return Selection(organization.id, [], search.statuses)
        search = await self._understood(organization, search, query, now)
        projects = await self._projects_of(organization, search)
        search, project_ids = _within_projects(search, filters.project_ids, projects)
        return Selection(
            organization.id,
            project_ids,
            search.statuses,
            (
                *conditions(search, searcher.member_ids),
                *in_environments(filters.environments),
                *seen_between(filters.start, filters.end),
            ),
            is_search=search.is_indexed or bool(filters.environments),
        )

    def _parse(self, query: str, now: datetime, no_keys: Collection[str] = ()) -> Search:
        if len(query) > self._settings.query_characters_max:
            raise InvalidSearch(f"A search has at most {self._settings.query_characters_max} characters.")
        try:
            return parse_search(query, now=now, terms_max=self._settings.query_terms_max, no_keys=no_keys)
        except SearchError as error:
            raise InvalidSearch(str(error)) from error

    async def _understood(
        self, organization: OrganizationConfig, search: Search, query: str, now: datetime
    ) -> Search:
        """Return a search whose unknown keys are checked against the tags of the organization's feedback.

        An unknown key outside ASCII is a word, as many scripts put no blank after a colon; any other raises
        InvalidSearch.
        """
        if not search.names:
            return search
        async with self._database.connection(share=organization.id) as connection:
            unknown = await find_unknown(connection, organization.id, search.names)
        if words := {name for name in unknown if not name.isascii()}:
            search = self._parse(query, now, words)
        if mistaken := sorted(unknown & search.names):
            named = ", ".join(f'"{name[:100]}"' for name in mistaken)
            raise InvalidSearch(f"Invalid search key: {named}. No feedback has a tag of this name.")
        return search

    async def _projects_of(self, organization: OrganizationConfig, search: Search) -> dict[int, frozenset[str]]:
        """Return the names of the organization's projects by id, if the search refers to any."""
        if not any(_is_of_projects(term) for term in search.terms):
            return {}
        found = {}
        for ref in organization.projects:
            project = await self._configuration.project(ref.id)
            names = {str(ref.id), ref.slug.lower(), *ref.former_slugs}
            names |= {project.name.lower()} if project else set()
            found[ref.id] = frozenset(names)
        return found


def select_exactly(
    organization: OrganizationConfig, project_ids: Sequence[int], condition: Condition
) -> Selection:
    """Return the feedback that meets an indexed condition; empty where feedback is hidden."""
    shown = project_ids if organization.feature(Feature.VISIBLE) else []
    return Selection(organization.id, shown, STATUSES, (condition,), is_search=True)


def _is_of_projects(term: Term) -> TypeGuard[Match]:
    return isinstance(term, Match) and term.key in PROJECT_KEYS and not term.is_tag


def _find_projects(value: str, projects: Mapping[int, Collection[str]]) -> list[int]:
    """Return the projects with a name; raise InvalidSearch without any."""
    pattern = _pattern_of(value) if "*" in value else None
    found = [
        project_id
        for project_id, names in projects.items()
        if (any(pattern.fullmatch(name) for name in names) if pattern else value.lower() in names)
    ]
    if not found and not pattern:
        raise InvalidSearch(f'There is no project "{value[:100]}".')
    return found


def _pattern_of(value: str) -> "re.Pattern[str]":
    """Compile a value with stars; atomic groups keep the cost linear in the number of stars."""
    first, *middle, last = map(re.escape, value.split("*"))
    inner = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{inner}.*{last}", re.IGNORECASE)


def _within_projects(
    search: Search, project_ids: Sequence[int], projects: Mapping[int, Collection[str]]
) -> tuple[Search, list[int]]:
    """Split the terms about projects from a search; return the rest and the remaining projects."""
    kept, terms = list(project_ids), []
    for term in search.terms:
        if _is_of_projects(term):
            named = {found for value in term.values for found in _find_projects(value, projects)}
            kept = [project_id for project_id in kept if (project_id in named) is not term.negated]
        else:
            terms.append(term)
    return replace(search, terms=tuple(terms)), kept
