"""Alerts, dashboards and runbooks name only what exists: metrics, labels, jobs, settings, commands, log lines."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

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
PROMISES = {"not-accepting", "lag", "dead-letters", "reports-waiting", "mail-failing", "disk-filling"}
# What Prometheus itself adds to every scraped sample, and what it makes of each target.
OF_PROMETHEUS = {"job", "instance"}
FUNCTIONS = {"sum", "max", "min", "by", "or", "rate", "increase", "histogram_quantile"}
SAMPLES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


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
    """Return what a query names that does not exist."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]', "", query)
    in_braces = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", bare)
    grouped = [name.strip() for names in re.findall(r"\bby \(([^)]*)\)", bare) for name in names.split(",")]
    rest = re.sub(r"\bby \([^)]*\)|\{[^}]*\}", " ", bare)
    names = [name for name in re.findall(r"\b[a-z_]\w*", rest) if name not in FUNCTIONS]
    found = [f"no metric {name}" for name in names if name not in known]
    # A query's labels are those of its first metric: ours are about metrics of the same labels.
    labels = known.get(names[0], set()) if names else set()
    return found + [f"no label {label} of {names}" for label in {*in_braces, *grouped} if label not in labels]


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
    for query in re.split(r"\bor\b", alert["expr"]):
        assert problems(query, known) == []
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["runbook"] == f"deploy/runbooks/{name}.md"
    text = (RUNBOOKS / f"{name}.md").read_text()
    parts = ["**Symptom.**", "## Check", "## Act", "## Verify"]
    assert [part for part in parts if part in text] == parts
    assert len(text.splitlines()) <= 40
    used = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
    kept = {name.strip() for names in re.findall(r"by \(([^)]*)\)", alert["expr"]) for name in names.split(",")}
    assert used <= kept | (OF_PROMETHEUS if not kept else set())


def test_every_promise_has_an_alert_and_every_runbook_one() -> None:
    names = [alert["alert"] for alert in ALERTS]
    assert len(names) == len(set(names))
    assert set(names) >= PROMISES
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == set(names)
    listed = re.findall(r"^- \[([a-z-]+)\]", (RUNBOOKS / "README.md").read_text(), re.MULTILINE)
    assert listed == names


def test_a_query_of_what_does_not_exist_is_found() -> None:
    known = {"a_total": {"x", "job"}}
    assert problems('sum by (x) (rate(a_total{x="1"}[5m])) > 0', known) == []
    assert problems("rate(b_total[5m])", known) == ["no metric b_total"]
    assert problems('sum by (y) (rate(a_total{z=~"1"}[5m]))', known) != []


@pytest.mark.parametrize("path", sorted((FOLDER / "dashboards").glob("*.json")), ids=lambda path: path.stem)
def test_a_dashboard_shows_what_exists(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    known = samples()
    places = set()
    for panel in dashboard["panels"]:
        assert [problems(target["expr"], known) for target in panel["targets"]] == [[]]
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


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_reads_the_rules() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(FOLDER / "alerts.yaml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
