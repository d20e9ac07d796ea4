"""Validate values of project options and feature flags."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from hearback_contracts.flags import FEATURE_DEFAULTS, Feature
from hearback_contracts.options import OPTIONS, Option
from hearback_kit.values.origins import check_pattern
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

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

_Presence = Literal["required", "optional", "hidden"]
_Origin = Annotated[
    str, Field(max_length=ORIGIN_LENGTH_MAX, pattern=r"^[^\s\x00-\x1f\x7f]+$"), AfterValidator(check_pattern)
]
_Bytes = Annotated[int, Field(ge=0, le=ATTACHMENT_BYTES_MAX)] | None
_BYTES_TEXT: Final = f"a number up to {ATTACHMENT_BYTES_MAX}, or null"
# The values of each option, in types and in words; of every other one they are booleans.
_VALUES: Final[Mapping[str, tuple[Any, str]]] = {
    Option.ORIGINS: (
        Annotated[list[_Origin], Field(max_length=ORIGINS_MAX)],
        f"a list of at most {ORIGINS_MAX} origins, each of at most {ORIGIN_LENGTH_MAX} characters",
    ),
    Option.DIALOG_NAME: (_Presence, "required, optional or hidden"),
    Option.DIALOG_EMAIL: (_Presence, "required, optional or hidden"),
    Option.DIALOG_ACCENT: (
        Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$")],
        "a colour such as #6c5fc7, or empty",
    ),
    Option.DIALOG_THEME: (Literal["light", "dark", "auto"], "light, dark or auto"),
    Option.RETENTION_DAYS: (
        Annotated[int, Field(ge=1, le=RETENTION_DAYS_MAX)],
        f"a number from 1 to {RETENTION_DAYS_MAX}",
    ),
    Option.ATTACHMENT_BYTES_MAX: (_Bytes, _BYTES_TEXT),
    Option.ATTACHMENTS_BYTES_MAX: (_Bytes, _BYTES_TEXT),
    Option.ATTACHMENTS_COUNT_MAX: (
        Annotated[int, Field(ge=0, le=ATTACHMENTS_MAX)] | None,
        f"a number up to {ATTACHMENTS_MAX}, or null",
    ),
}
_RULES: Final = {
    name: (TypeAdapter(kind), text)
    for name in OPTIONS
    for kind, text in [_VALUES.get(name, (bool, "true or false"))]
}


def check_options(changes: Mapping[str, Any]) -> None:
    """Raise RefusedValue for an undeclared option or an invalid value."""
    for name, value in changes.items():
        if name not in OPTIONS:
            raise RefusedValue(f"unknown option: {name[:100]}")
        kind, wanted = _RULES[name]
        try:
            kind.validate_python(value, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            wanted = str(first["ctx"]["error"]) if first["type"] == "value_error" else wanted
            raise RefusedValue(wanted, name, f"{name} must be {wanted}") from error


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
