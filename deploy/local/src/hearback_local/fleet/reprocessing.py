"""Reprocesses data of a time range: stored feedback, waiting reports, refused submissions.

Each service processes its data in parts, one per call. Finished parts stay when a call fails; the same command
then starts over and finds nothing to change there. `deploy/docs/operations.md` lists what cannot be reprocessed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from hearback_contracts.events import FeedbackSubmitted
from hearback_fleet.reprocessing import ACCEPTANCES_PATH, DECISIONS_PATH, REPROCESSINGS_PATH

from hearback_local.data_dir import DataDir
from hearback_local.fleet.api import Access
from hearback_local.fleet.bootstrap import Call, operator_calls
from hearback_local.fleet.state import ready_state

CALL_SECONDS_MAX: Final = 120.0
SERVICES: Final = ("feedback", "user-reports", "client-reports")
KEPT: Final = "what is done stays done, so call again"
NOT_COLUMNS: Final = frozenset({"examined", "changed", "skipped"})
# Is called after every part with what is gone through and how much of it was examined.
Progress = Callable[[str, int], None]


def reprocess(
    data_dir: DataDir,
    start: datetime,
    end: datetime | None,
    project: str | None,
    *,
    dry_run: bool,
    progress: Progress,
) -> dict[str, Any]:
    """Reprocess data received in [`start`, `end`), of one project or of all; return counts.

    `end` defaults to now. Raises FleetError if the project is unknown or a service is unreachable.
    """
    until = end or datetime.now(UTC)
    wanted: dict[str, Any] = {"start": start.isoformat(), "end": until.isoformat(), "dry_run": dry_run}
    if project is not None:
        wanted["project_id"] = int(Access(data_dir).find_project(project)["id"])
    found = asyncio.run(reprocess_range(ready_state(data_dir), wanted, progress))
    return {"from": start.isoformat(), "to": until.isoformat(), "project": project, "dryRun": dry_run, **found}


async def reprocess_range(state: Mapping[str, Any], wanted: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Reprocess the range `wanted`, and return counts."""
    async with operator_calls(state, SERVICES, CALL_SECONDS_MAX, KEPT) as call:
        # Newly linked reports and accepted submissions become feedback by the current rules.
        feedback = await _go_through(call, "feedback", wanted, progress)
        reports = await _go_through(call, "user-reports", wanted, progress)
        refused = await _decide_refused(call, wanted, progress)
    columns = {name: count for name, count in feedback.items() if name not in NOT_COLUMNS}
    counts = {name: feedback[name] for name in sorted(NOT_COLUMNS)}
    return {
        "feedback": {**counts, "columns": columns},
        "reports": {name: reports[name] for name in ("examined", "linked")},
        "refused": refused,
    }


async def _go_through(call: Call, service: str, wanted: dict[str, Any], progress: Progress) -> Counter[str]:
    total: Counter[str] = Counter()
    after: str | None = None
    while True:
        answer = await call(service, REPROCESSINGS_PATH, {**wanted, "after": after})
        total.update(answer["counts"])
        progress(service, total["examined"])
        after = answer["after"]
        if after is None:
            return total


async def _decide_refused(call: Call, wanted: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Decide refused submissions again, and accept those that are no longer refused."""
    examined = taken = 0
    reasons: Counter[str] = Counter()
    after: str | None = None
    while True:
        page = await call("client-reports", REPROCESSINGS_PATH, {**wanted, "after": after})
        examined += len(page["refused"])
        passed = []
        for service, own in _by_service(page["refused"]).items():
            submissions = [{"message": one["message"], "payload": one["payload"]} for one in own]
            decided = (await call(service, DECISIONS_PATH, {"submissions": submissions}))["reasons"]
            passed += [one["attempt"] for one, reason in zip(own, decided, strict=True) if reason is None]
            reasons.update(reason for reason in decided if reason is not None)
        if wanted["dry_run"]:
            taken += len(passed)
        elif passed:
            taken += (await call("client-reports", ACCEPTANCES_PATH, {"attempts": passed}))["taken"]
        progress("refused submissions", examined)
        after = page["after"]
        if after is None:
            return {"examined": examined, "taken": taken, "reasons": dict(reasons)}


def _by_service(refused: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Group refused submissions by the service that decides them."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in refused:
        is_feedback = one["message"]["type"] == FeedbackSubmitted.TYPE
        groups.setdefault("feedback" if is_feedback else "user-reports", []).append(one)
    return groups
