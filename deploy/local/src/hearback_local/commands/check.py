"""`hearback check`: what is wrong with a fleet, one finding per thing examined."""

import argparse
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from hearback_local.commands.arguments import add_command
from hearback_local.commands.status import not_running
from hearback_local.data_dir import DataDir
from hearback_local.fleet.metrics import read_metric
from hearback_local.fleet.readiness import probe
from hearback_local.fleet.status import read_status

FREE_BYTES_MIN = 512 * 1024 * 1024
# 1 for each stream that a service takes for full.
FULL_METRIC = "hearback_stream_full"
ANSWER_SECONDS_MAX = 10.0  # A service needs a few seconds to find out that a store hangs.


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add `check` to the parser."""
    add_command(commands, common, "check", _check, "look for problems in a running fleet")


def _check(options: argparse.Namespace, data_dir: DataDir) -> int:
    findings = examine(data_dir)
    if options.json:
        print(json.dumps(findings))
    else:
        print("\n".join(f"{'ok  ' if finding['ok'] else 'FAIL'}  {finding['what']}" for finding in findings))
    return 0 if all(finding["ok"] for finding in findings) else 1


def examine(data_dir: DataDir) -> list[dict[str, Any]]:
    """Return the findings: `what` in words, and whether it is `ok`."""
    status = read_status(data_dir)
    if not status["running"]:
        return [_finding(False, f"{not_running(status)} in {status['data_dir']}")]
    findings = [_finding(True, f"a fleet runs at {status['url']}"), _disk(data_dir)]
    findings += [
        _finding(store["pid"] is not None, f"{store['name']} runs on port {store['port']}")
        for store in status["stores"]
    ]
    if any(service["lag"] is None for service in status["services"]):
        findings.append(_finding(False, "the stream server does not answer, so the lag is unknown"))
    is_idle = all(service["lag"] == 0 for service in status["services"])
    with ThreadPoolExecutor(max(1, len(status["services"]))) as pool:
        for found in pool.map(partial(_service, is_idle=is_idle), status["services"]):
            findings += found
    return findings


def _finding(ok: bool, what: str) -> dict[str, Any]:
    return {"ok": ok, "what": what}


def _disk(data_dir: DataDir) -> dict[str, Any]:
    free = shutil.disk_usage(data_dir.root).free
    return _finding(free >= FREE_BYTES_MIN, f"{free // 2**20} MB free on the disk of {data_dir.root}")


def _service(service: dict[str, Any], *, is_idle: bool) -> list[dict[str, Any]]:
    name, port = service["name"], port_of(service)
    findings = [_finding(service["ready"], f"{name} is {'ready' if service['ready'] else 'not ready'}")]
    if not service["ready"]:
        _, body = probe(port, seconds_max=ANSWER_SECONDS_MAX)
        findings.append(_finding(False, f"{name} reports: {_failed_checks(body)}"))
    elif is_idle and read_metric(port, FULL_METRIC):
        findings.append(_finding(False, f"{name} takes streams for full, although nothing waits in them"))
    if service["dead_letters"]:
        findings.append(_finding(False, f"{name} has {service['dead_letters']} dead letters"))
    return findings


def port_of(service: dict[str, Any]) -> int:
    """Return the port of a service of the status."""
    return int(service["url"].rsplit(":", 1)[1])


def _failed_checks(body: Any) -> str:
    checks = body.get("checks") if isinstance(body, dict) else None
    if not isinstance(checks, dict):
        return str(body or "nothing")
    return "; ".join(f"{name}: {result}" for name, result in checks.items() if result != "ok")
