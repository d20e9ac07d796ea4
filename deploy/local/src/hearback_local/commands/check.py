"""`hearback check`: the problems of a fleet, one finding per check."""

import argparse
import asyncio
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from hearback_local.commands.arguments import add_command
from hearback_local.commands.status import not_running
from hearback_local.data_dir import DataDir
from hearback_local.fleet.readiness import probe, read_metrics
from hearback_local.fleet.state import find_ready_state, start_command
from hearback_local.fleet.status import read_status

FREE_BYTES_MIN = 512 * 1024 * 1024
OUTBOX_WAITING_MAX = 1_000
OLDEST_SECONDS_MAX = 120.0
SPOOL_SHARE_MAX = 0.5
MEMORY_SHARE_MAX = 0.9
ANSWER_SECONDS_MAX = 10.0  # A service needs a few seconds to find out that a store hangs.


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    add_command(commands, common, "check", _check, "look for problems in a running fleet")


def _check(options: argparse.Namespace, data_dir: DataDir) -> int:
    findings = examine(data_dir)
    if options.json:
        print(json.dumps(findings))
    else:
        for finding in findings:
            print(f"{'ok  ' if finding['ok'] else 'FAIL'}  {finding['what']}")
            if finding["do"]:
                print(f"      -> {finding['do']}")
    return 0 if all(finding["ok"] for finding in findings) else 1


def examine(data_dir: DataDir) -> list[dict[str, Any]]:
    """Return the findings: `what` was found, whether it is `ok`, and what to `do` (empty if ok)."""
    status = read_status(data_dir)
    if not status["running"]:
        return [
            _finding(
                False, f"{not_running(status)} in {status['data_dir']}", f"start it: {start_command(data_dir)}"
            )
        ]
    findings = [_finding(True, f"a fleet runs at {status['url']}"), _disk(data_dir)]
    for store in status["stores"]:
        log = f"it is started again by itself; if not, {store['name']}.log says why"
        findings.append(_finding(store["pid"] is not None, f"{store['name']} runs on port {store['port']}", log))
    if any(service["lag"] is None for service in status["services"]):
        what = "the stream server does not answer, so the lag is unknown"
        findings.append(_finding(False, what, _runbook("not-accepting")))
    findings += _valkey(find_ready_state(data_dir))
    is_idle = all(service["lag"] == 0 for service in status["services"])
    with ThreadPoolExecutor(max(1, len(status["services"]))) as pool:
        for found in pool.map(partial(_service, is_idle=is_idle), status["services"]):
            findings += found
    return findings


def _finding(ok: bool, what: str, do: str = "") -> dict[str, Any]:
    return {"ok": ok, "what": what, "do": "" if ok else do}


def _runbook(name: str) -> str:
    return f"deploy/runbooks/{name}.md"


def _disk(data_dir: DataDir) -> dict[str, Any]:
    free = shutil.disk_usage(data_dir.root).free
    what = f"{free // 2**20} MB free on the disk of {data_dir.root}"
    return _finding(free >= FREE_BYTES_MIN, what, _runbook("disk-filling"))


def _service(service: dict[str, Any], *, is_idle: bool) -> list[dict[str, Any]]:
    name, port = service["name"], port_of(service)
    what = f"{name} is {'ready' if service['ready'] else 'not ready'}"
    findings = [_finding(service["ready"], what, _runbook("service-down"))]
    if not service["ready"]:
        _, body = probe(port, seconds_max=ANSWER_SECONDS_MAX)
        findings.append(_finding(False, f"{name} reports: {_failed_checks(body)}"))
    else:
        findings += _measured(name, read_metrics(port), is_idle=is_idle)
    if service["dead_letters"]:
        what = f"{name} has {service['dead_letters']} dead letters"
        findings.append(_finding(False, what, f"hearback dead-letters list; {_runbook('dead-letters')}"))
    return findings


def _measured(name: str, metrics: Mapping[str, Sequence[float]], *, is_idle: bool) -> Iterator[dict[str, Any]]:
    """Yield problems that a service's metrics show."""
    full = sum(metrics.get("hearback_stream_full", ()))
    if full and is_idle:
        what = f"{name} considers streams full, although they are empty"
        yield _finding(False, what, f"restart {name}; {_runbook('stream-full')}")
    elif full:
        yield _finding(False, f"{name} refuses messages, as {full:.0f} streams are full", _runbook("stream-full"))
    yield from _spool(name, metrics)
    waiting = sum(metrics.get("hearback_outbox_waiting", ()))
    if waiting > OUTBOX_WAITING_MAX:
        what = f"{name} has {waiting:,.0f} messages in its outbox that are not published"
        yield _finding(False, what, _runbook("outbox-waiting"))
    oldest = max(metrics.get("hearback_stream_oldest_seconds", ()), default=0.0)
    if oldest > OLDEST_SECONDS_MAX:
        yield _finding(False, f"{name} has a message that has waited for {oldest:,.0f} s", _runbook("lag"))
    if sum(metrics.get("hearback_consumer_paused", ())):
        yield _finding(False, f"{name} has paused consumers", _runbook("consumer-paused"))


def _spool(name: str, metrics: Mapping[str, Sequence[float]]) -> Iterator[dict[str, Any]]:
    """Yield problems with a gateway's disk spool, if it is not empty."""
    used = sum(metrics.get("hearback_spool_bytes", ()))
    if used:
        share = used / max(1.0, sum(metrics.get("hearback_spool_bytes_max", ())))
        age = max(metrics.get("hearback_spool_oldest_seconds", ()), default=0.0)
        what = f"{name} keeps {used / 2**20:,.1f} MB on its disk for Valkey, the oldest for {age:,.0f} s"
        what += f"; {share:.0%} of the bound" if share > SPOOL_SHARE_MAX else ""
        yield _finding(False, what, _runbook("outage-spooled"))
    if refused := sum(metrics.get("hearback_spool_refused", ())):
        what = f"{name} set {refused:,.0f} messages aside, which Valkey refuses"
        yield _finding(False, what, _runbook("outage-spooled"))
    if sum(metrics.get("hearback_spool_damaged_total", ())):
        yield _finding(False, f"{name} set a damaged file of its spool aside", _runbook("outage-spooled"))


def _valkey(state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what keeps Valkey from taking writes, or soon will."""
    from hearback_local.fleet.valkey_room import rooms

    for room in asyncio.run(rooms(state["environment"])) if state else ():
        name = f"valkey {room.node}".strip()
        if room.share > MEMORY_SHARE_MAX:
            what = f"{name} uses {room.share:.0%} of its {room.most / 2**20:,.0f} MB of memory"
            what += " and refuses writes" if room.share >= 1 else "; at 100% it refuses writes"
            yield _finding(False, what, _runbook("not-accepting"))
        if not room.can_write_file:
            what = f"{name} refuses writes, as it cannot write its append-only file"
            yield _finding(False, what, _runbook("disk-filling"))


def port_of(service: dict[str, Any]) -> int:
    return int(service["url"].rsplit(":", 1)[1])


def _failed_checks(body: Any) -> str:
    checks = body.get("checks") if isinstance(body, dict) else None
    if not isinstance(checks, dict):
        return str((body.get("detail") if isinstance(body, dict) else None) or body or "nothing")
    return "; ".join(f"{name}: {result}" for name, result in checks.items() if result != "ok")
