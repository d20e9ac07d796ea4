"""Validate and normalize lists of quotas.

The rules are Relay's (protocol: limits#quotas), except that quotas on all categories (an empty list) may have any
limit, and that `sources` narrows a quota on feedback.
"""

import re
from typing import Any, Final

from hearback_contracts.categories import DataCategory
from hearback_contracts.sources import FeedbackSource

from registry.domain.refused_values import RefusedValue

SCOPES: Final = ("organization", "project", "key")
LIMIT_MAX: Final = (1 << 64) - 1
WINDOW_SECONDS_MAX: Final = 366 * 86_400
CATEGORIES_MAX: Final = 100

_FIELDS: Final = frozenset({"id", "categories", "scope", "limit", "window", "reasonCode", "sources"})
_NOT_OFFERED: Final = frozenset({"scopeId", "namespace", "groupBy"})  # Relay's; only null is accepted
_ID: Final = re.compile(r"[!-~]{1,64}\Z")
_REASON: Final = re.compile(r"(?! )[ -~]{1,100}(?<! )\Z")
_SOURCES: Final = frozenset(str(source) for source in FeedbackSource)


def parse_quotas(value: Any, count_max: int) -> list[dict[str, Any]]:
    """Return the stored form of a list of quotas; raise RefusedValue for the first error.

    Its field is the quota's position and the name, such as `2.limit`.
    """
    if not isinstance(value, list):
        raise RefusedValue("quotas must be a list")
    if len(value) > count_max:
        raise RefusedValue(f"at most {count_max} quotas are possible")
    quotas = []
    for index, item in enumerate(value):
        try:
            quotas.append(_quota(item, index))
        except RefusedValue as error:
            field = error.field and f"{index}.{error.field}"
            raise RefusedValue(error.problem, field, f"quota {index}: {error.problem}") from error
    ids = [quota["id"] for quota in quotas]
    if len(set(ids)) != len(ids):
        raise RefusedValue("the ids of quotas must differ", f"{len(quotas) - 1}.id")
    return quotas


def _quota(item: Any, index: int) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise RefusedValue("must be an object")
    known = _FIELDS | {name for name in _NOT_OFFERED if item.get(name) is None}
    unknown = sorted(str(name) for name in item if name not in known)
    if unknown:
        raise RefusedValue(f"unknown field: {unknown[0][:100]}")
    limit = _limit(item.get("limit"))
    categories = _categories(item.get("categories", []), limit)
    quota: dict[str, Any] = {
        "id": _id(item.get("id"), limit, index),
        "categories": categories,
        "scope": _scope(item.get("scope", "organization")),
        "limit": limit,
        "window": _window(item.get("window"), limit),
        "reasonCode": _reason(item.get("reasonCode")),
    }
    sources = _sources(item.get("sources", []), categories)
    return {**quota, "sources": sources} if sources else quota


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _limit(value: Any) -> int | None:
    if value is not None and not _is_whole(value, 0, LIMIT_MAX):
        raise RefusedValue("limit must be null or a whole number from 0", "limit")
    limit: int | None = value
    return limit


def _id(value: Any, limit: int | None, index: int) -> str:
    if value is None and limit == 0:  # what rejects everything has no counter to name
        return f"reject-{index}"
    if not isinstance(value, str) or not _ID.match(value):
        raise RefusedValue("id must be a string of 1 to 64 visible ASCII characters", "id")
    return value


def _categories(value: Any, limit: int | None) -> list[str]:
    if not isinstance(value, list) or len(value) > CATEGORIES_MAX:
        raise RefusedValue(f"categories must be a list of at most {CATEGORIES_MAX} names", "categories")
    if not all(isinstance(name, str) and 0 < len(name) <= 64 for name in value):
        raise RefusedValue("categories must be names", "categories")
    parsed = [DataCategory.parse(name) for name in value]
    known = [category for category in parsed if category is not DataCategory.UNKNOWN]
    if value and not known:
        raise RefusedValue(f"unknown category: {value[0]}", "categories")
    if limit != 0 and len({category.unit for category in known}) > 1:
        raise RefusedValue("categories counted in different units need a quota each", "categories")
    names = [
        name if category is DataCategory.UNKNOWN else str(category)
        for name, category in zip(value, parsed, strict=True)
    ]
    return list(dict.fromkeys(names))


def _scope(value: Any) -> str:
    if value not in SCOPES:
        raise RefusedValue("scope must be organization, project or key", "scope")
    return str(value)


def _window(value: Any, limit: int | None) -> int | None:
    if value is None:
        if limit:
            raise RefusedValue("a limit needs a window", "window")
        return None
    if not _is_whole(value, 1, WINDOW_SECONDS_MAX):
        raise RefusedValue(f"window must be a whole number of seconds from 1 to {WINDOW_SECONDS_MAX}", "window")
    return int(value)


def _reason(value: Any) -> str | None:
    if value is None:
        return None
    # It travels in the X-Sentry-Rate-Limits header, whose separators it must not contain.
    if not isinstance(value, str) or not _REASON.match(value) or set(value) & set(",:;"):
        raise RefusedValue(
            "reasonCode must have 1 to 100 ASCII characters without comma, colon or semicolon", "reasonCode"
        )
    return value


def _sources(value: Any, categories: list[str]) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name in _SOURCES for name in value):
        raise RefusedValue(f"sources must be some of {', '.join(sorted(_SOURCES))}", "sources")
    if value and categories != [str(DataCategory.FEEDBACK)]:
        raise RefusedValue("sources can only narrow a quota whose categories are feedback", "sources")
    return list(dict.fromkeys(value))
