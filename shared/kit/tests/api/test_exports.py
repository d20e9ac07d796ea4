"""Exports: CSV and JSON, piece by piece."""

import csv
import io

import orjson
import pytest
from hearback_kit.api.exports import csv_stream, export_format, json_stream
from hearback_kit.errors import BadRequest


async def batches(*found):
    for batch in found:
        yield batch


async def body_of(response):
    parts = [part if isinstance(part, bytes) else part.encode() async for part in response.body_iterator]
    return b"".join(parts)


async def test_csv_has_a_header_and_guarded_cells():
    response = csv_stream(
        ["id", "text"], batches([(1, "a,b\n"), (2, None)], [], [(3, "＝1")]), filename="rows.csv"
    )
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="rows.csv"'
    rows = list(csv.reader(io.StringIO((await body_of(response)).decode(), newline="")))
    assert rows == [["id", "text"], ["1", "a,b\n"], ["2", ""], ["3", "'＝1"]]


@pytest.mark.parametrize("found", [(), ([],), ([1],), ([{"a": 1}, None], [], ["x"])])
async def test_json_is_one_array(found):
    response = json_stream(batches(*found))
    assert orjson.loads(await body_of(response)) == [value for batch in found for value in batch]
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("parameter", "accept", "expected"),
    [
        ("csv", "", "csv"),
        ("json", "text/csv", "json"),
        (None, "Text/CSV, */*", "csv"),
        ("", "*/*", None),
        (None, "", None),
    ],
)
def test_formats(parameter, accept, expected):
    assert export_format(parameter, accept) == expected


def test_other_formats_are_refused():
    with pytest.raises(BadRequest):
        export_format("xml", "")
