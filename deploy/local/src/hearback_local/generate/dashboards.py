"""Generates Grafana dashboards from the declared metrics: one of the objectives, and one per package."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from hearback_local.generate.declared import SHARED, Metric, declared_metrics

FOLDER: Final = "deploy/observability/dashboards"
COLUMNS: Final = 2
WIDTH: Final = 24 // COLUMNS
HEIGHT: Final = 8
OPTIONS: Final = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
# The objectives of the fleet, each in one panel: title, query, name of a line, unit.
OBJECTIVES: Final = (
    (
        "Requests by answer",
        "sum by (status) (rate(envelope_gateway_requests_total[$__rate_interval]))",
        "{{status}}",
        "reqps",
    ),
    (
        "Refused as nothing could be kept",
        "sum by (cause) (rate(envelope_gateway_commit_refusals_total[$__rate_interval]))",
        "{{cause}}",
        "reqps",
    ),
    ("Longest wait in a stream", "max by (stream) (hearback_stream_oldest_seconds)", "{{stream}}", "s"),
    ("Waiting in streams", "max by (stream) (hearback_stream_waiting)", "{{stream}}", "short"),
    ("Dead letters", "max by (stream) (hearback_stream_dead_letters)", "{{stream}}", "short"),
    ("Waiting in outboxes", "max by (job) (hearback_outbox_waiting)", "{{job}}", "short"),
    ("Reports that wait for their event", "max(user_reports_waiting)", "reports", "short"),
    (
        "Deliveries by result",
        "sum by (channel, result) (rate(notifier_deliveries_total[$__rate_interval]))",
        "{{channel}} {{result}}",
        "ops",
    ),
    ("Free disk", "min by (job) (hearback_disk_free_ratio)", "{{job}}", "percentunit"),
    ("Consumers that wait", "max by (group) (hearback_consumer_paused)", "{{group}}", "short"),
)


def dashboards() -> dict[str, bytes]:
    panels = [_panel(number, *objective) for number, objective in enumerate(OBJECTIVES)]
    found = {f"{FOLDER}/objectives.json": _dashboard("objectives", "Hearback: objectives", panels)}
    for package, metrics in declared_metrics().items():
        name = "shared" if package == SHARED else package.replace("_", "-")
        panels = [_metric(number, metric) for number, metric in enumerate(metrics)]
        found[f"{FOLDER}/{name}.json"] = _dashboard(name, f"Hearback: {name}", panels)
    return found


def _dashboard(name: str, title: str, panels: Sequence[dict[str, Any]]) -> bytes:
    document = {
        "uid": f"hearback-{name}",
        "title": title,
        "tags": ["hearback", "generated"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}]
        },
        "panels": panels,
    }
    return orjson.dumps(document, option=OPTIONS)


def _metric(number: int, metric: Metric) -> dict[str, Any]:
    labels = list(metric.labels)
    by = f" by ({', '.join(labels)})" if labels else ""
    legend = " ".join(f"{{{{{label}}}}}" for label in labels) or metric.name
    if metric.kind == "counter":
        query, unit = f"sum{by} (rate({metric.name}_total[$__rate_interval]))", "ops"
    elif metric.kind == "histogram":
        inside = ", ".join(["le", *labels])
        query = f"histogram_quantile(0.95, sum by ({inside}) (rate({metric.name}_bucket[$__rate_interval])))"
        legend, unit = f"95 % {legend}", "s" if metric.name.endswith("_seconds") else "short"
    else:
        query, unit = f"max{by} ({metric.name})", "s" if metric.name.endswith("_seconds") else "short"
    return _panel(number, metric.name, query, legend, unit, metric.meaning)


def _panel(number: int, title: str, query: str, legend: str, unit: str, meaning: str = "") -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "description": meaning,
        "datasource": source,
        "gridPos": {"x": number % COLUMNS * WIDTH, "y": number // COLUMNS * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "datasource": source, "expr": query, "legendFormat": legend}],
    }
