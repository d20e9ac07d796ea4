"""Alerts, dashboards and runbooks name only what exists: metrics, labels, jobs, settings, commands, log lines."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from hearback_local.commands.cli import build_parser
from hearback_local.generate.declared import declared_metrics
from hearback_local.services import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
RUNBOOKS = ROOT / "deploy" / "runbooks"
ALERTS = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
OBJECTIVES = {"not-accepting", "lag", "dead-letters", "reports-waiting", "mail-failing", "disk-filling"}
# What Prometheus itself adds to every scraped sample, and what it makes of each target.
OF_PROMETHEUS = {"job", "instance"}
SAMPLES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
COUNTED = ("_total", "_bucket", "_sum", "_count")


def samples() -> dict[str, set[str]]:
    """Return the labels of every sample that can be scraped."""
    found = {"up": set(OF_PROMETHEUS)}
    for metric in (metric for metrics in declared_metrics().values() for metric in metrics):
        for ending in SAMPLES[metric.kind]:
            found[metric.name + ending] = {
                *metric.labels,
                *OF_PROMETHEUS,
                *(["le"] if ending == "_bucket" else []),
            }
    return found


def problems(query: str, known: dict[str, set[str]]) -> list[str]:
    """Return what is wrong with a query: it cannot be read, or names or matches what does not exist."""
    found: list[str] = []
    try:
        labels_of(promql_parser.parse(query), known, found)
    except ValueError as error:
        found.append(str(error))
    return found


def labels_of(node: Any, known: dict[str, set[str]], found: list[str]) -> set[str] | None:
    """Return the labels of what an expression gives, None of a number; add what is wrong with it to `found`."""
    kind = type(node).__name__
    if kind == "VectorSelector":
        if node.name not in known:
            found.append(f"no metric {node.name}")
        labels = known.get(node.name, set())
        found += [
            f"no label {one.name} of {node.name}" for one in node.matchers.matchers if one.name not in labels
        ]
        return labels
    if kind == "MatrixSelector":
        return labels_of(node.vector_selector, known, found)
    if kind == "Call":
        (labels,) = [one for one in [labels_of(arg, known, found) for arg in node.args] if one is not None]
        if node.func.name in {"rate", "increase"} and not node.args[0].vector_selector.name.endswith(COUNTED):
            found.append(f"{node.func.name} of what is no counter")
        if node.func.name == "histogram_quantile" and "le" not in labels:
            found.append("a quantile without buckets")
        return labels - {"le"} if node.func.name == "histogram_quantile" else labels
    if kind == "AggregateExpr":
        labels = labels_of(node.expr, known, found) or set()
        kept = set(node.modifier.labels) if node.modifier else set()
        found += [f"no label {name} to group by" for name in kept - labels]
        return kept
    if kind == "BinaryExpr":
        left, right = labels_of(node.lhs, known, found), labels_of(node.rhs, known, found)
        if left is None or right is None:
            return right if left is None else left
        if str(node.op) not in {"or", "and", "unless"} and left != right:
            found.append(f"{sorted(left)} never match {sorted(right)}")
        return left & right
    return None if kind.endswith("Literal") else labels_of(node.expr, known, found)


def runbook_commands() -> list[tuple[str, str]]:
    """Return every `hearback …` command of the runbooks, with the file."""
    found: list[tuple[str, str]] = []
    for path in [*sorted(RUNBOOKS.glob("*.md")), ROOT / "deploy/docs/operations.md"]:
        text = path.read_text()
        blocks = [line for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
        inline = re.findall(r"`(hearback [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        found += [(path.name, line) for line in [*blocks, *inline] if line.startswith("hearback ")]
    return sorted(set(found))


def words(folder: str) -> str:
    return "\n".join(path.read_text() for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_watches_what_exists_and_has_a_runbook_of_its_name(alert: dict[str, Any]) -> None:
    name = alert["alert"]
    known = samples()
    assert problems(alert["expr"], known) == []
    assert set(alert) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[0-9]+[smhd]", alert["for"])
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["runbook"] == f"deploy/runbooks/{name}.md"
    text = (RUNBOOKS / f"{name}.md").read_text()
    parts = ["**Symptom.**", "## Check", "## Act", "## Verify"]
    assert [part for part in parts if part in text] == parts
    assert len(text.splitlines()) <= 40
    used = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
    assert used <= (labels_of(promql_parser.parse(alert["expr"]), known, []) or set())


def test_every_objective_has_an_alert_and_every_runbook_one() -> None:
    names = [alert["alert"] for alert in ALERTS]
    assert len(names) == len(set(names))
    assert set(names) >= OBJECTIVES
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == set(names)
    listed = re.findall(r"^- \[([a-z-]+)\]", (RUNBOOKS / "README.md").read_text(), re.MULTILINE)
    assert listed == names


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('sum by (x) (rate(a_total{x="1"}[5m])) > 0', None),
        ("histogram_quantile(0.9, sum by (le) (rate(c_bucket[5m]))) > 1", None),
        ("rate(b_total[5m])", "no metric b_total"),
        ('rate(a_total{z=~"1"}[5m])', "no label z of a_total"),
        ("sum by (y) (rate(a_total[5m]))", "no label y to group by"),
        ("rate(g[5m])", "rate of what is no counter"),
        ("sum by (x) (rate(a_total[5m])) > sum(g)", "never match"),
        ("sum(rate(a_total[5m])", "parenthes"),
    ],
)
def test_a_query_of_what_does_not_exist_is_found(query: str, said: str | None) -> None:
    known = {"a_total": {"x", "job"}, "c_bucket": {"le", "job"}, "g": {"job"}}
    found = problems(query, known)
    assert (found == []) is (said is None)
    assert said is None or said in found[0]


@pytest.mark.parametrize("path", sorted((FOLDER / "dashboards").glob("*.json")), ids=lambda path: path.stem)
def test_a_dashboard_shows_what_exists(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    known = samples()
    places = set()
    for panel in dashboard["panels"]:
        (query,) = (target["expr"].replace("$__rate_interval", "5m") for target in panel["targets"])
        assert problems(query, known) == []
        places.add((panel["gridPos"]["x"], panel["gridPos"]["y"]))
    assert len(places) == len(dashboard["panels"]) > 0


def test_every_process_of_the_compose_fleet_is_scraped() -> None:
    scraped = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"]
    compose = yaml.safe_load((ROOT / "deploy/docker/compose.yaml").read_text())["services"]
    processes = {name for name, one in compose.items() if one.get("command") in (["serve"], ["work"])}
    assert {one["job_name"]: one["static_configs"] for one in scraped} == {
        f"hearback-{name}": [{"targets": [f"{name}:8080"]}] for name in processes
    }
    assert len(processes) > len(SERVICES)


@pytest.mark.parametrize(("file", "command"), runbook_commands())
def test_a_command_of_a_runbook_exists(file: str, command: str) -> None:
    options = build_parser().parse_args(shlex.split(command)[1:])
    assert callable(options.command), file


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_a_runbook_names_settings_metrics_and_log_lines_that_exist(path: Path) -> None:
    quoted = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL))
    settings = (ROOT / "deploy/docs/settings.md").read_text()
    for name in quoted:
        if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", name) and name != "EVENT_ID":
            assert f"`{name}`" in settings
    known = samples()
    sources = "\n".join(words(folder) for folder in ("shared/kit/src", "services/client-reports/src"))
    for name in quoted:
        if re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name) and name not in known and f"{name}_sum" not in known:
            assert f'"{name}"' in sources or name == "pg_stat_activity", name
    for link in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        assert (path.parent / link).exists()
