"""The reference pages, made from the declarations they describe."""

import importlib
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

from annotated_types import Ge, Gt, Le, Lt
from hearback_contracts.events import MESSAGES
from hearback_contracts.flags import FEATURE_DEFAULTS, OPTIONS
from hearback_contracts.reasons import EXPLANATIONS
from hearback_contracts.routes import ROUTES
from hearback_contracts.streams import STREAM_PREFIX, STREAMS
from hearback_kit.settings import ServiceSettings
from prometheus_client.metrics import MetricWrapperBase
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hearback_local.fleet import SERVICES

NOTE = "<!-- Made by `make generate`; change the declaration, not this page. -->"
BOUNDS = ((Ge, "ge", "≥"), (Gt, "gt", ">"), (Le, "le", "≤"), (Lt, "lt", "<"))


def _page(title: str, *blocks: str) -> str:
    return "\n\n".join([f"# {title}", NOTE, *blocks]) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _first_line(owner: Any) -> str:
    return (owner.__doc__ or "").strip().split("\n", 1)[0]


def settings_page() -> str:
    """Every environment variable with its default, bounds and meaning."""
    columns = ("variable", "default", "bounds", "meaning")
    blocks = ["## Every service", _table(columns, _settings_rows(ServiceSettings, ServiceSettings.model_fields))]
    for service in SERVICES:
        settings = service.load().settings
        own = {
            name: field
            for name, field in settings.model_fields.items()
            if name not in ServiceSettings.model_fields
        }
        blocks += [f"## {settings.service}", _table(columns, _settings_rows(settings, own))]
    example = (
        "Fields without `HEARBACK_` in the first table take the service's own prefix, such as `FEEDBACK_PORT`."
    )
    return _page("Settings", example, *blocks)


def _settings_rows(settings: Any, fields: dict[str, FieldInfo]) -> list[list[str]]:
    prefix = settings.model_config.get("env_prefix") or "<SERVICE>_"
    rows = []
    for name, field in fields.items():
        alias = field.validation_alias
        variable = alias.choices[0] if isinstance(alias, AliasChoices) else f"{prefix}{name}".upper()
        rows.append([f"`{variable}`", _default(field), _bounds(field), field.description or ""])
    return rows


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "found at start" if field.default_factory is not None else "required"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value == "":
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _bounds(field: FieldInfo) -> str:
    found = []
    for rule in field.metadata:
        found += [f"{sign} {getattr(rule, key)}" for kind, key, sign in BOUNDS if isinstance(rule, kind)]
    return ", ".join(found)


def metrics_page() -> str:
    """Every metric by the package that declares it."""
    blocks = []
    for package in sorted(service.package for service in SERVICES):
        for service in SERVICES:
            service.load()
        importlib.import_module(f"{package}.metrics")
        blocks += _metrics_of(package)
    return _page(
        "Metrics",
        "Counters are exposed with `_total` at the end of their name.",
        *blocks,
        *_metrics_of("hearback_kit"),
    )


def _metrics_of(package: str) -> list[str]:
    metrics: dict[str, MetricWrapperBase] = {}
    for name, module in sorted(sys.modules.items()):
        if name == package or name.startswith(f"{package}."):
            metrics.update(_declared(module))
    rows = []
    for name, metric in sorted(metrics.items()):
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        rows.append([f"`{name}`", str(metric._type), labels, metric._documentation])
    if not rows:
        return []
    return [f"## {package.replace('_', '-')}", _table(("metric", "type", "labels", "meaning"), rows)]


def _declared(module: ModuleType) -> dict[str, MetricWrapperBase]:
    return {value._name: value for value in vars(module).values() if isinstance(value, MetricWrapperBase)}


def reasons_page() -> str:
    """Every reason for which something is not kept."""
    rows: list[list[str]] = [[f"`{reason.value}`", str(text)] for reason, text in EXPLANATIONS.items()]
    return _page(
        "Reasons", "Nothing is refused or dropped without one of these.", _table(("reason", "meaning"), rows)
    )


def streams_page() -> str:
    """Every stream: who reads it, its bound, its message."""
    messages = {message.TYPE: message for message in MESSAGES}
    rows = []
    for stream in STREAMS:
        message = messages.get(stream.name)
        schema = f"[schema](../../shared/contracts/events/{stream.name}.v1.json)" if message else ""
        meaning = _first_line(message) if message else ""
        rows.append(
            [
                f"`{STREAM_PREFIX}{stream.name}:{{shard}}`",
                stream.consumer,
                f"{stream.entries_max:,}",
                meaning,
                schema,
            ]
        )
    intro = "What keeps failing lies in the stream's `:dead` neighbour: see `hearback dead-letters`."
    return _page("Streams", intro, _table(("stream", "read by", "bound (entries)", "message", ""), rows))


def options_page() -> str:
    """Flags and options with their defaults."""
    flags = [[f"`{name}`", f"`{str(default).lower()}`"] for name, default in FEATURE_DEFAULTS.items()]
    options = [[f"`{name}`", f"`{option.default!r}`", option.doc] for name, option in OPTIONS.items()]
    return _page(
        "Flags and options",
        "## Flags of an organization",
        _table(("flag", "default"), flags),
        "## Options of a project",
        _table(("option", "default", "meaning"), options),
    )


def routes_page() -> str:
    """Which service serves which path."""
    rows: list[list[str]] = [[f"`{route.pattern}`", route.service] for route in ROUTES]
    return _page(
        "Routes",
        "The first pattern that matches from the start of the path wins.",
        _table(("path", "service"), rows),
    )
