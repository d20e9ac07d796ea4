"""Validate values of project options and feature flags."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from hearback_contracts.flags import FEATURE_DEFAULTS, Feature
from hearback_contracts.options import OPTIONS, Option

from registry.domain.refused_values import RefusedValue

# Names that Sentry has given flags since.
NEWER_FEATURE_NAMES: Final[Mapping[str, str]] = {
    "organizations:user-feedback-spam-ingest": Feature.SPAM_FILTER_INGEST.value
}
ORIGINS_MAX: Final = 200
ORIGIN_LENGTH_MAX: Final = 256
RETENTION_DAYS_MAX: Final = 3_650
ATTACHMENT_BYTES_MAX: Final = 10 * 1024**3
ATTACHMENTS_MAX: Final = 10_000

_VISIBLE: Final = re.compile(r"[^\s\x00-\x1f\x7f]+\Z")
_COLOUR: Final = re.compile(r"(#[0-9a-fA-F]{6})?\Z")


def _is_origins(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= ORIGINS_MAX
        and all(
            isinstance(item, str) and len(item) <= ORIGIN_LENGTH_MAX and _VISIBLE.match(item) for item in value
        )
    )


def _one_of(*choices: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in choices


def _number(least: int, most: int, *, or_null: bool = False) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        if value is None:
            return or_null
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return check


def _up_to(most: int) -> tuple[Callable[[Any], bool], str]:
    return _number(0, most, or_null=True), f"a number up to {most}, or null"


_RULES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    Option.ORIGINS: (_is_origins, "a list of origins"),
    Option.DIALOG_NAME: (_one_of("required", "optional", "hidden"), "required, optional or hidden"),
    Option.DIALOG_EMAIL: (_one_of("required", "optional", "hidden"), "required, optional or hidden"),
    Option.DIALOG_ACCENT: (
        lambda value: isinstance(value, str) and bool(_COLOUR.match(value)),
        "a colour such as #6c5fc7, or empty",
    ),
    Option.DIALOG_THEME: (_one_of("light", "dark", "auto"), "light, dark or auto"),
    Option.RETENTION_DAYS: (_number(1, RETENTION_DAYS_MAX), f"a number from 1 to {RETENTION_DAYS_MAX}"),
    Option.ATTACHMENT_BYTES_MAX: _up_to(ATTACHMENT_BYTES_MAX),
    Option.ATTACHMENTS_BYTES_MAX: _up_to(ATTACHMENT_BYTES_MAX),
    Option.ATTACHMENTS_COUNT_MAX: _up_to(ATTACHMENTS_MAX),
}


def check_options(changes: Mapping[str, Any]) -> None:
    """Raise RefusedValue for an undeclared option or an invalid value."""
    for name, value in changes.items():
        if name not in OPTIONS:
            raise RefusedValue(f"unknown option: {name[:100]}")
        accepts, wanted = _RULES.get(name, (lambda value: isinstance(value, bool), "true or false"))
        if not accepts(value):
            raise RefusedValue(wanted, name, f"{name} must be {wanted}")


def with_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return every declared option with its value or default."""
    return {name: options.get(name, declared.default) for name, declared in OPTIONS.items()}


def parse_features(current: Mapping[str, bool], changes: Mapping[str, Any]) -> dict[str, bool]:
    """Return the flags to set by their declared names.

    If a flag and its newer name differ, because a client changed one of them in a response, the value that differs
    from the current one counts. Raise ValueError for an undeclared flag or a value that is not a boolean.
    """
    known = features_with_defaults(current)
    wanted: dict[str, bool] = {}
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"unknown feature: {name[:100]}")
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false")
        declared = NEWER_FEATURE_NAMES.get(name, name)
        is_contradicted = wanted.get(declared, value) != value
        wanted[declared] = not known[declared] if is_contradicted else value
    return wanted


def features_with_defaults(features: Mapping[str, bool]) -> dict[str, bool]:
    """Return every declared flag with its value or default, also by its newer name."""
    values = {name: features.get(name, default) for name, default in FEATURE_DEFAULTS.items()}
    return values | {newer: values[name] for newer, name in NEWER_FEATURE_NAMES.items()}
