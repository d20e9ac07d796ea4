"""Rules for requests, whatever route they are for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

import httpx
import orjson
import pytest
from fastapi import Body, Depends, FastAPI, Form, Request
from hearback_kit.api.bodies import JSON_DEPTH_MAX, RequestRules, before_body, check_body
from hearback_kit.app import add_error_handlers
from hearback_kit.errors import BadRequest, Unauthorized
from hypothesis import given
from hypothesis import strategies as st

BOUND = 10_000
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


CALLS: list[str] = []


@before_body
async def caller(request: Request) -> str:
    CALLS.append(request.url.path)
    if request.headers.get("authorization") != "Bearer right":
        raise Unauthorized
    return "somebody"


async def organization(found: Annotated[str, Depends(caller)]) -> str:
    return found


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    add_error_handlers(app)
    app.add_middleware(RequestRules, bytes_max=BOUND)

    @app.post("/model/{name}/")
    async def model(name: str, value: Annotated[object, Body()]):
        return value

    @app.post("/raw/")
    async def raw(request: Request):
        return {"size": len(await request.body())}

    @app.post("/stream/")
    async def stream(request: Request):
        return {"size": sum([len(part) async for part in request.stream()])}

    @app.post("/form/")
    async def form(text: Annotated[str, Form()]):
        return text

    @app.post("/guarded/")
    async def guarded(value: Annotated[object, Body()], found: Annotated[str, Depends(organization)]):
        return found

    @app.post("/internal/raw/")
    async def internal(request: Request):
        return {"size": len(await request.body())}

    @app.post("/ignored/")
    async def ignored():
        return {}

    return app


@pytest.fixture
async def client(app) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as made:
        yield made


async def pieces(body, size=1_000):
    for start in range(0, len(body), size):
        yield body[start : start + size]


def nested(value, levels):
    for _ in range(levels):
        value = [value]
    return value


NUL = [
    ("/model/a%00b/", JSON, b"1"),
    ("/model/a/?q=%00", JSON, b"1"),
    ("/model/a/?q%00=1", JSON, b"1"),
    ("/model/a/", JSON, rb'"\u0000"'),
    ("/model/a/", JSON, rb'{"a\u0000": 1}'),
    ("/model/a/", JSON, rb'{"a": [1, {"b": "x\u0000"}]}'),
    ("/model/a/", {"content-type": "application/problem+json"}, rb'"\u0000"'),
    ("/raw/", {"content-type": "text/plain"}, rb' {"a": "\u0000"}'),
    ("/raw/", {}, rb' ["\u0000"]'),
    ("/form/", FORM, b"text=a%00"),
    ("/form/", FORM, b"text%00=a"),
    ("/form/", MULTIPART, b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\na\x00\r\n--x--\r\n'),
]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(("path", "headers", "body"), NUL)
async def test_nul_is_refused_wherever_it_is(client, path, headers, body, is_chunked):
    answer = await client.post(path, headers=headers, content=pieces(body, 3) if is_chunked else body)
    expected = {"detail": "Null characters are not allowed.", "code": "null_character"}
    assert (answer.status_code, answer.json()) == (400, expected)


@pytest.mark.parametrize("body", [rb'"\\u0000"', rb'"%00"', b'"\xc3\xa4 u0000"', b"[]", b" 1 "])
async def test_what_only_looks_like_nul_is_taken(client, body):
    answer = await client.post("/model/a%2500/?q=%2500", headers=JSON, content=body)
    assert (answer.status_code, answer.json()) == (200, orjson.loads(body))


async def test_plain_forms_are_taken(client):
    answer = await client.post("/form/", data={"text": "a"})
    assert (answer.status_code, answer.json()) == (200, "a")


@pytest.mark.parametrize("path", ["/model/a/", "/raw/"])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 500 + rb'"\u0000"' + b"]" * 500, b"[" * 100_000 + rb'"\u0000"' + b"]" * 100_000,
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000, orjson.dumps(nested(1, JSON_DEPTH_MAX + 1)), b'"\\ud800"', b"NaN",
        b"{", b"\xff",
    ],
)  # fmt: skip
async def test_no_json_and_too_deep_json_are_refused(app, path, body):
    rules = RequestRules(app, bytes_max=1_000_000)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=rules), base_url="http://app") as client:
        answer = await client.post(path, headers=JSON, content=body)
    assert answer.status_code in {400, 413}
    assert answer.json()["code"] in {"invalid_json", "too_large"}


async def test_json_as_deep_as_it_may_be_is_taken(client):
    answer = await client.post("/model/a/", headers=JSON, content=orjson.dumps(nested(1, JSON_DEPTH_MAX)))
    assert answer.status_code == 200


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("path", ["/model/a/", "/raw/", "/stream/"])
async def test_bodies_have_a_bound(client, path, is_chunked):
    for size, status in ((BOUND, 200), (BOUND + 1, 413), (BOUND * 5, 413)):
        body = b'"' + b"a" * (size - 2) + b'"'
        answer = await client.post(path, headers=JSON, content=pieces(body) if is_chunked else body)
        assert answer.status_code == status
        if status == 413:
            expected = {"detail": f"A request body has at most {BOUND} bytes.", "code": "too_large"}
            assert answer.json() == expected


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("path", ["/model/a/", "/raw/", "/stream/", "/form/", "/internal/raw/"])
@pytest.mark.parametrize("encodings", [["gzip"], ["br"], ["zstd, gzip"], ["nonsense"], ["", "gzip"]])
async def test_encoded_bodies_are_refused(client, path, encodings, is_chunked):
    kind = "application/x-www-form-urlencoded" if path == "/form/" else "application/json"
    headers = [("content-type", kind), *(("content-encoding", value) for value in encodings)]
    answer = await client.post(path, headers=headers, content=pieces(b"1") if is_chunked else b"1")
    assert (answer.status_code, answer.json()["code"]) == (415, "encoded_body")
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("value", ["", "identity", "Identity", "utf-8", " UTF-8 "])
async def test_encodings_that_are_none_are_taken(client, value):
    answer = await client.post("/model/a/", headers=JSON | {"content-encoding": value}, content=b"[1]")
    assert (answer.status_code, answer.json()) == (200, [1])


async def test_a_length_that_is_none_is_refused(client):
    answer = await client.post("/raw/", headers={"content-length": "1" * 30}, content=b"a")
    assert answer.status_code == 413


async def test_services_may_send_each_other_more(client):
    answer = await client.post("/internal/raw/", content=b"a" * BOUND * 2)
    assert answer.json() == {"size": BOUND * 2}


async def test_a_stranger_is_refused_before_the_body_is_read(app):
    async def post(authorization):
        received = 0
        sent = []

        async def receive():
            nonlocal received
            received += 1
            return {"type": "http.request", "body": b"1" if received == 1 else b"", "more_body": received < 3}

        async def send(message):
            sent.append(message)

        headers = [(b"transfer-encoding", b"chunked"), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/guarded/",
            "query_string": b"",
            "headers": [*headers, (b"authorization", authorization)],
        }
        await app(scope, receive, send)
        return sent[0]["status"], received

    assert await post(b"Bearer wrong") == (401, 0)
    CALLS.clear()
    assert await post(b"Bearer right") == (200, 3)
    assert CALLS == ["/guarded/"]


async def test_a_body_that_no_route_reads_is_no_matter(client):
    assert (await client.post("/ignored/", content=b"\x00" * BOUND * 2)).status_code == 200
    assert (await client.post("/nowhere/", content=b"\x00" * BOUND * 2)).status_code == 404


MEDIA = st.sampled_from(
    [b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data", b"", b"x/y"]
)


@given(st.binary() | st.text().map(lambda text: orjson.dumps([text])), MEDIA)
def test_any_body_is_taken_or_refused(body, media_type):
    with suppress(BadRequest):
        check_body(body, media_type)


async def test_bodies_of_many_requests_do_not_mix(client):
    bodies = [orjson.dumps(["a" * 500, number]) for number in range(20)]
    answers = await asyncio.gather(
        *[client.post("/model/a/", headers=JSON, content=pieces(body, 7)) for body in bodies]
    )
    assert [answer.json()[1] for answer in answers] == list(range(20))
