"""The journal of submissions: steps are merged into a submission's row, from which its fate follows."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
from hearback_contracts.outcomes import SubmissionState
from hearback_kit.db import Connection
from sqlalchemy import BigInteger, Date, DateTime, Text, cast, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.sql import Select

from client_reports import metrics
from client_reports.domain.counting import SubmissionKey, ToldStep
from client_reports.domain.fate import Fate, Step, bounded, settle
from client_reports.store.partitions import Plan
from client_reports.store.rows import unnest
from client_reports.store.tables import SUBMISSION

_LOCKS: Final = 64
_LOCK_CLASS: Final = 7_403_002


class _Row(NamedTuple):
    key: SubmissionKey
    day: date
    organization_id: int
    fate: Fate


class SubmissionFilter(NamedTuple):
    """Which submissions of a project to list; None does not filter. Parts of ids are in lower case."""

    project_id: int
    states: Sequence[SubmissionState] = ()
    sources: Sequence[str] = ()
    reasons: Sequence[str] = ()
    id_prefix: str | None = None
    id_part: str | None = None


async def add_steps(
    connection: Connection, plan: Plan, told: Iterable[ToldStep], now: datetime, steps_max: int
) -> None:
    """Merge steps into the journal; telling a step twice changes nothing, nor does the order.

    Writers to the same project take turns: two that saw a submission first at the same time would
    otherwise write it into two partitions.
    """
    by_submission: dict[SubmissionKey, list[ToldStep]] = {}
    for step in told:
        by_submission.setdefault(step.submission, []).append(step)
    if not by_submission:
        return
    await _take_turns(connection, {key.project_id for key in by_submission})
    known = await _find_known(connection, by_submission)
    rows: list[_Row] = []
    for key in sorted(by_submission):
        row = _merge(key, by_submission[key], known.get(key), plan, now, steps_max)
        if row is not None:
            rows.append(row)
    if rows:
        await _upsert(connection, rows)


def _merge(
    key: SubmissionKey,
    told: list[ToldStep],
    known: tuple[date, list[Step]] | None,
    plan: Plan,
    now: datetime,
    steps_max: int,
) -> _Row | None:
    """The row as it has to be, or None when it is so already."""
    before = known[1] if known else []
    merged = set(before).union(step.step for step in told)
    if len(merged) == len(before):
        return None
    steps = bounded(merged, steps_max)
    metrics.STEPS.inc(len(merged) - len(before))
    metrics.STEPS_DROPPED.inc(len(merged) - len(steps))
    fate = settle(steps)
    first = min(max(fate.received_at.date(), plan.oldest(now)), now.date() + timedelta(days=1))
    return _Row(key, known[0] if known else first, told[0].organization_id, fate)


async def _take_turns(connection: Connection, project_ids: Iterable[int]) -> None:
    for lock in sorted({project_id % _LOCKS for project_id in project_ids}):
        await connection.execute(
            text("SELECT pg_advisory_xact_lock(:class, :lock)"), {"class": _LOCK_CLASS, "lock": lock}
        )


async def _find_known(
    connection: Connection, keys: Iterable[SubmissionKey]
) -> dict[SubmissionKey, tuple[date, list[Step]]]:
    wanted = list(keys)
    table = SUBMISSION.c
    rows = unnest(
        "wanted",
        {
            "project_id": (BigInteger(), [key.project_id for key in wanted]),
            "id": (Text(), [key.id for key in wanted]),
        },
    )
    found = await connection.execute(
        select(table.project_id, table.id, table.day, table.steps).join_from(
            rows, SUBMISSION, (table.project_id == rows.c.project_id) & (table.id == rows.c.id)
        )
    )
    return {
        SubmissionKey(row.project_id, row.id): (row.day, [_read_step(step) for step in row.steps])
        for row in found.all()
    }


def _read_step(raw: list[Any]) -> Step:
    at, service, step, state, reason, source, feedback_id = raw
    return Step(datetime.fromisoformat(at), service, step, SubmissionState(state), reason, source, feedback_id)


async def _upsert(connection: Connection, written: list[_Row]) -> None:
    rows = unnest(
        "told",
        {
            "project_id": (BigInteger(), [row.key.project_id for row in written]),
            "id": (Text(), [row.key.id for row in written]),
            "day": (Date(), [row.day for row in written]),
            "organization_id": (BigInteger(), [row.organization_id for row in written]),
            "received_at": (DateTime(timezone=True), [row.fate.received_at for row in written]),
            "source": (Text(), [row.fate.source for row in written]),
            "state": (Text(), [str(row.fate.state) for row in written]),
            "reason": (Text(), [row.fate.reason for row in written]),
            "feedback_id": (Text(), [row.fate.feedback_id for row in written]),
            "steps": (Text(), [orjson.dumps(row.fate.steps, default=tuple).decode() for row in written]),
        },
    )
    names = list(rows.c.keys())
    columns = [cast(rows.c[name], JSONB) if name == "steps" else rows.c[name] for name in names]
    statement = insert(SUBMISSION).from_select(names, select(*columns))
    changed = ("received_at", "source", "state", "reason", "feedback_id", "steps")
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[SUBMISSION.c.project_id, SUBMISSION.c.id, SUBMISSION.c.day],
            set_={name: statement.excluded[name] for name in changed},
        )
    )


async def find_submission(connection: Connection, project_id: int, submission_id: str) -> Any:
    """The row of a submission, or None."""
    table = SUBMISSION.c
    statement = select(SUBMISSION).where(table.project_id == project_id, table.id == submission_id)
    return (await connection.execute(statement.limit(1))).first()


async def list_submissions(
    connection: Connection,
    wanted: SubmissionFilter,
    *,
    after: tuple[datetime, str] | None,
    backward: bool,
    limit: int,
) -> list[Any]:
    """Up to `limit` rows past a position, newest first; going backward, nearest to the position first."""
    statement = submissions_statement(wanted, after=after, backward=backward, limit=limit)
    return list((await connection.execute(statement)).all())


def submissions_statement(
    wanted: SubmissionFilter, *, after: tuple[datetime, str] | None, backward: bool, limit: int
) -> Select[Any]:
    """The statement behind `list_submissions`."""
    table = SUBMISSION.c
    statement = select(SUBMISSION).where(table.project_id == wanted.project_id)
    for column, values in (
        (table.state, [str(state) for state in wanted.states]),
        (table.source, wanted.sources),
        (table.reason, wanted.reasons),
    ):
        if len(values) == 1:
            statement = statement.where(column == values[0])
        elif values:
            statement = statement.where(column.in_(values))
    if wanted.id_prefix:
        statement = statement.where(table.id >= wanted.id_prefix, table.id < wanted.id_prefix + "\x7f")
    if wanted.id_part:
        statement = statement.where(table.id.contains(wanted.id_part, autoescape=True))
    position = tuple_(table.received_at, table.id)
    if after is not None:
        edge = tuple_(*after)
        statement = statement.where(position > edge if backward else position < edge)
    order = (table.received_at, table.id) if backward else (table.received_at.desc(), table.id.desc())
    return statement.order_by(*order).limit(limit)
