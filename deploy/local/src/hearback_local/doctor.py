"""`hearback check`: what is wrong with a fleet, one finding per thing looked at."""

import shutil
from typing import Any

from hearback_local.place import FleetPlace
from hearback_local.readiness import probe
from hearback_local.running import status_of, status_text

FREE_BYTES_MIN = 512 * 1024 * 1024
ANSWER_SECONDS_MAX = 10.0  # a service finds out that a store hangs by waiting for it


def examine(place: FleetPlace) -> list[dict[str, Any]]:
    """Findings: `what` in words and whether it is `ok`."""
    status = status_of(place)
    if not status["running"]:
        return [_finding(False, status_text(status))]
    findings = [_finding(True, f"a fleet runs at {status['url']}"), _disk(place)]
    findings += [
        _finding(store["pid"] is not None, f"{store['name']} runs on port {store['port']}")
        for store in status["stores"]
    ]
    if any(service["lag"] is None for service in status["services"]):
        findings.append(_finding(False, "the stream server does not answer, so nobody knows what waits"))
    for service in status["services"]:
        findings += _service(service)
    return findings


def _finding(ok: bool, what: str) -> dict[str, Any]:
    return {"ok": ok, "what": what}


def _disk(place: FleetPlace) -> dict[str, Any]:
    free = shutil.disk_usage(place.root).free
    return _finding(free >= FREE_BYTES_MIN, f"{free // 2**20} MB free on the disk of {place.root}")


def _service(service: dict[str, Any]) -> list[dict[str, Any]]:
    name = service["name"]
    findings = [_finding(service["ready"], f"{name} is {'ready' if service['ready'] else 'not ready'}")]
    if not service["ready"]:
        _, body = probe(int(service["url"].rsplit(":", 1)[1]), seconds_max=ANSWER_SECONDS_MAX)
        findings.append(_finding(False, f"{name} says: {_complaints(body)}"))
    if service["dead_letters"]:
        findings.append(_finding(False, f"{name} has {service['dead_letters']} dead letters"))
    return findings


def _complaints(body: Any) -> str:
    checks = body.get("checks") if isinstance(body, dict) else None
    if not isinstance(checks, dict):
        return str(body or "nothing")
    return "; ".join(f"{name}: {told}" for name, told in checks.items() if told != "ok")
