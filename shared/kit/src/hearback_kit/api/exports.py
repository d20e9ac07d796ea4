"""Stream complete lists as CSV or JSON, batch by batch.

The iterator of batches must not hold a database connection while it waits for a slow client.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final, Literal

import orjson
from starlette.responses import StreamingResponse

from hearback_kit.errors import BadRequest
from hearback_kit.values.csv_cells import guarded_cell

Format = Literal["csv", "json"]
_FORMATS: Final[dict[str | None, Format]] = {"csv": "csv", "json": "json"}


def export_format(parameter: str | None, accept: str) -> Format | None:
    """Return the format of an export, or None for a page; raise BadRequest for an unknown one.

    The `format` parameter takes precedence over an `Accept` header with `text/csv`.
    """
    if parameter in _FORMATS:
        return _FORMATS[parameter]
    if parameter:
        raise BadRequest("format must be csv or json.", code="invalid_format")
    return "csv" if "text/csv" in accept.lower() else None


def csv_stream(
    header: Sequence[str], batches: AsyncIterator[Iterable[Sequence[Any]]], *, filename: str
) -> StreamingResponse:
    """Return rows as a CSV file with a header line, guarded against formula injection."""

    async def lines() -> AsyncIterator[str]:
        yield csv_lines([header])
        async for rows in batches:
            yield csv_lines(rows)

    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=_attachment(filename))


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as lines of CSV with guarded cells."""
    text = io.StringIO()
    csv.writer(text).writerows([guarded_cell(value) for value in row] for row in rows)
    return text.getvalue()


def json_stream(batches: AsyncIterator[Iterable[Any]], *, filename: str | None = None) -> StreamingResponse:
    """Return values as one JSON array."""

    async def parts() -> AsyncIterator[bytes]:
        separator = b"["
        async for values in batches:
            for value in values:
                yield separator + orjson.dumps(value)
                separator = b",\n"
        yield b"[]" if separator == b"[" else b"]"

    headers = _attachment(filename) if filename else None
    return StreamingResponse(parts(), media_type="application/json", headers=headers)


def _attachment(filename: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{filename}"'}
