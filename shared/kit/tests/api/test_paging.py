"""Pages of a list: cursors, bounds, and the header that leads on."""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from hearback_kit.api.paging import (
    PageRequest,
    decode_cursor,
    encode_cursor,
    page_request,
    read_id,
    read_text,
    read_time,
)
from hearback_kit.app import add_error_handlers
from hearback_kit.errors import BadRequest
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROWS = [(NOW - timedelta(minutes=number // 2), 100 - number) for number in range(7)]
READERS = (read_time, read_id)
PUBLIC = "https://feedback.example/prefix"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.public_url = PUBLIC + "/"
    app.state.rows_max = 5
    add_error_handlers(app)
    page_of = page_request(*READERS, rows=3, rows_max=lambda request: request.app.state.rows_max)
    clipped = page_request(*READERS, rows=3, rows_max=5, is_clipped=True)

    @app.get("/rows/")
    async def rows(page: PageRequest = page_of, none: bool = False):
        return answer(page, [] if none else ROWS)

    @app.get("/clipped/")
    async def rows_clipped(page: PageRequest = clipped):
        return answer(page, ROWS)

    def answer(page, rows):
        found = [row for row in rows if page.position is None or row < page.position]
        if page.backward:
            found = [row for row in rows if row > page.position][-page.window.limit :]
        result = page.page(found[: page.window.limit], key=lambda row: row)
        return {"rows": [number for _, number in result.rows], "link": result.headers["Link"]}

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inner:8080") as made:
        yield made


def relations(link):
    found = re.findall(r'<([^>]*)>; rel="(\w+)"; results="(\w+)"; cursor="([^"]*)"', link)
    return {relation: (url, results == "true", cursor) for url, relation, results, cursor in found}


async def walk(client, relation, path="/rows/", **first):
    seen = []
    answer = (await client.get(path, params=first)).json()
    while True:
        seen.append(answer["rows"])
        url, more, _ = relations(answer["link"])[relation]
        if not more:
            return seen, answer
        assert url.startswith(PUBLIC + path)
        answer = (await client.get(url.replace(PUBLIC, ""))).json()


async def test_all_rows_come_once_forward_and_backward(client):
    pages, last = await walk(client, "next")
    assert pages == [[100, 99, 98], [97, 96, 95], [94]]
    pages, _ = await walk(client, "previous", cursor=relations(last["link"])["previous"][2])
    assert pages == [[97, 96, 95], [100, 99, 98]]


async def test_links_keep_the_query_and_name_the_public_url(client):
    answer = await client.get("/rows/", params={"per_page": 2, "query": 'a b">&c', "cursor": ""})
    url, more, cursor = relations(answer.json()["link"])["next"]
    assert more
    assert url == f"{PUBLIC}/rows/?per_page=2&query=a+b%22%3E%26c&cursor={cursor}"


async def test_an_empty_page_offers_no_other(client):
    cursor = encode_cursor(ROWS[-1])
    for parameters in ({"cursor": cursor}, {"none": True}, {"none": True, "cursor": cursor}):
        answer = (await client.get("/rows/", params=parameters)).json()
        assert answer["rows"] == []
        assert [more for _, more, _ in relations(answer["link"]).values()] == [False, False]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"per_page": 0}, "invalid_per_page"),
        ({"per_page": 6}, "invalid_per_page"),
        ({"per_page": -(1 << 70)}, "invalid_per_page"),
        ({"limit": 0}, "invalid_limit"),
        ({"per_page": "many"}, "invalid"),
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"cursor": encode_cursor([1])}, "invalid_cursor"),
        ({"cursor": "a" * 1001}, "invalid"),
    ],
)
async def test_bad_parameters_are_refused(client, parameters, code):
    answer = await client.get("/rows/", params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_numbers_of_rows(client):
    async def count(path, **parameters):
        return len((await client.get(path, params=parameters)).json()["rows"])

    assert await count("/rows/", per_page=5) == 5
    assert await count("/rows/", limit=2) == 2
    assert await count("/rows/", limit=2, per_page=4) == 4
    assert await count("/clipped/", limit=1_000) == 5
    refused = (await client.get("/rows/", params={"per_page": 6})).json()
    assert refused["detail"] == "Invalid per_page value. Must be between 1 and 5."


@given(
    st.datetimes(timezones=st.just(UTC)), st.integers(0, (1 << 63) - 1), st.text().filter(lambda t: "\0" not in t)
)
def test_a_cursor_is_read_as_it_was_written(time, number, text):
    readers = (read_time, read_id, read_text)
    cursor = encode_cursor([time, number, text], backward=True)
    assert decode_cursor(cursor, readers) == ((time, number, text), True)


NUMBERS = st.floats() | st.integers(-1 << 63, (1 << 64) - 1)
JSON = st.none() | st.booleans() | NUMBERS | st.text() | st.lists(st.booleans())


@given(st.text() | st.lists(JSON).map(lambda values: encode_cursor(values[1:])))
def test_any_other_cursor_is_refused(cursor):
    with suppress(BadRequest):
        (time, number), _ = decode_cursor(cursor, READERS)
        assert time.tzinfo is UTC
        assert 0 <= number < 1 << 63
