"""Rules that hold for every operation of every service, taken from the committed OpenAPI documents.

A rule that one service keeps and another forgets fails here by name.
"""

import contextlib
import json
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

SERVICES = Path(__file__).parents[2] / "services"
DOCUMENTS = sorted([*SERVICES.glob("*/openapi.json"), *SERVICES.glob("*/*/openapi.json")])
METHODS = ("get", "put", "post", "patch", "delete", "options")
NUL = {"detail": "Null characters are not allowed.", "code": "null_character"}
# Open to everybody: they identify their callers by what the body or the path holds, or only serve browsers.
OPEN = {"/api/0/", "/api/0/auth/", "/api/0/auth/login/", "/api/0/relays/live/"}
BODY_BYTES = 300 * 1024 * 1024
MEMORY_GROWTH_MAX = 100 * 1024 * 1024


class Operation(NamedTuple):
    """An operation of a service's document."""

    service: str
    method: str
    path: str
    has_body: bool
    queries: tuple[str, ...]

    @property
    def is_api(self) -> bool:
        """Whether it belongs to the API of people and programs, which takes tokens."""
        return self.path.startswith("/api/0/") and self.path not in OPEN and "/accept-invite/" not in self.path

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path}"


def operations() -> Iterator[Operation]:
    for document in DOCUMENTS:
        service = document.parent.name
        for path, item in json.loads(document.read_bytes())["paths"].items():
            for method in METHODS:
                if method in item and not path.startswith("/internal/"):
                    entry = item[method]
                    found = [p["name"] for p in entry.get("parameters", ()) if p["in"] == "query"]
                    has_body = "requestBody" in entry or method in {"put", "post", "patch"}
                    yield Operation(service, method.upper(), path, has_body, tuple(found))


EVERY = list(operations())
API = [operation for operation in EVERY if operation.is_api]
WRITES = [operation for operation in API if operation.has_body]


@pytest.fixture(scope="module")
def http(fleet: Any) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with httpx.Client(base_url=fleet.url, timeout=30) as client:
        yield client


def filled(operation: Operation, fleet: Any, **others: str) -> str:
    """The operation's path with values that exist where they can, else with plausible ones."""
    known = {
        "organization": fleet.organization,
        "project": fleet.project,
        "project_id": str(fleet.project_id),
        "public_key": fleet.public_key,
        "issue_id": "8",  # even: a feedback issue
    } | others
    return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], "7"), operation.path)


def authorized(fleet: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {fleet.token}"}


def test_the_table_has_every_service() -> None:
    assert len({operation.service for operation in EVERY}) >= 7
    assert len(API) > 50


@pytest.mark.parametrize("operation", EVERY, ids=str)
def test_no_browser_guesses_the_type_of_an_answer(http: httpx.Client, fleet: Any, operation: Operation) -> None:
    for headers in ({}, authorized(fleet)) if operation.method == "GET" else ({},):
        answer = http.request(operation.method, filled(operation, fleet), headers=headers)
        assert answer.headers.get("x-content-type-options") == "nosniff", answer.status_code
        assert answer.status_code < 500


@pytest.mark.parametrize("operation", API, ids=str)
def test_a_stranger_learns_nothing(http: httpx.Client, fleet: Any, operation: Operation) -> None:
    content = b"{}" if operation.has_body else None
    answer = http.request(
        operation.method, filled(operation, fleet), content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("operation", API, ids=str)
def test_nul_in_path_and_query_is_refused(http: httpx.Client, fleet: Any, operation: Operation) -> None:
    headers = authorized(fleet)
    targets = [f"{filled(operation, fleet)}?{name}=a%00b" for name in (*operation.queries, "anything", "%00")]
    names = re.findall(r"\{(\w+)\}", operation.path)
    targets += [filled(operation, fleet, **{name: "a%00b"}) for name in names]
    for target in targets:
        answer = http.request(operation.method, target, headers=headers)
        assert (answer.status_code, answer.json()) == (400, NUL), target


BODIES = {
    "value": (rb'{"name": "a\u0000b"}', "application/json", "null_character"),
    "key": (rb'{"a\u0000b": 1}', "application/json", "null_character"),
    "nested": (rb'{"a": [{"b": ["\u0000"]}]}', "application/json", "null_character"),
    "500 arrays": (b"[" * 500 + rb'"\u0000"' + b"]" * 500, "application/json", "invalid_json"),
    "no JSON": (b'{"a": ', "application/json", "invalid_json"),
    "half a pair": (rb'{"name": "\ud83d"}', "application/json", "invalid_json"),
    "form": (b"name=a%00b", "application/x-www-form-urlencoded", "null_character"),
}


@pytest.mark.parametrize("operation", WRITES, ids=str)
@pytest.mark.parametrize("kind", BODIES)
def test_bodies_that_cannot_be_stored_are_refused(
    http: httpx.Client, fleet: Any, operation: Operation, kind: str
) -> None:
    body, media_type, code = BODIES[kind]
    headers = authorized(fleet) | {"Content-Type": media_type}
    answer = http.request(operation.method, filled(operation, fleet), headers=headers, content=body)
    assert answer.status_code in {400, 404}, answer.text
    if kind == "half a pair" and operation.path.endswith("/user-feedback/"):
        assert "email" in answer.json(), "reports are read as leniently as in envelopes; here a field is missing"
    elif answer.status_code == 400 and kind != "form":
        assert answer.json()["code"] == code


class Talk:
    """A connection on which a request can be begun and left unfinished."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=20)
        if parts.scheme == "https":
            self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=parts.hostname)

    def begin(self, method: str, path: str, *headers: str) -> None:
        """Send a head that announces a body in chunks, and its first chunk."""
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", "Transfer-Encoding: chunked", *headers, "", ""]
        self._socket.sendall("\r\n".join(head).encode() + b"1\r\n{\r\n")

    def send(self, size: int) -> int:
        """Send as much of a body as the other side takes; returns how much that was."""
        chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
        sent = 0
        try:
            while sent < size:
                self._socket.sendall(chunk)
                sent += 0x10000
        except OSError:
            pass
        return sent

    def status(self) -> int:
        """The status of the answer."""
        line = self._socket.makefile("rb").readline()
        return int(line.split(b" ")[1])

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("operation", WRITES, ids=str)
def test_a_stranger_is_answered_before_the_body_ends(fleet: Any, operation: Operation) -> None:
    talk = Talk(fleet.url)
    try:
        talk.begin(operation.method, filled(operation, fleet), "Content-Type: application/json")
        assert talk.status() == 401
    finally:
        talk.close()


@pytest.mark.parametrize("operation", WRITES, ids=str)
@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "chunked"])
def test_bodies_have_a_bound(fleet: Any, http: httpx.Client, operation: Operation, is_declared: bool) -> None:
    body = b'"' + b"a" * 2 * 1024 * 1024 + b'"'
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
    answer = http.request(
        operation.method,
        filled(operation, fleet),
        headers=authorized(fleet) | {"Content-Type": "application/json"},
        content=body if is_declared else iter(pieces),
    )
    assert answer.status_code in {404, 413}, answer.text


def test_strangers_bodies_take_no_memory(fleet: Any) -> None:
    before = _memory(fleet)
    for operation in {operation.service: operation for operation in WRITES}.values():
        talk = Talk(fleet.url)
        talk.begin(operation.method, filled(operation, fleet), "Content-Type: application/json")
        talk.send(BODY_BYTES)
        talk.close()
    after = _memory(fleet)
    grown = {process: after[process] - before[process] for process in before.keys() & after.keys()}
    assert max(grown.values()) < MEMORY_GROWTH_MAX, grown


def _memory(fleet: Any) -> dict[psutil.Process, int]:
    """Bytes that each process of the fleet holds; PostgreSQL ends some of its own at any time."""
    found = {}
    launcher = psutil.Process(json.loads((fleet.data_dir / "state.json").read_text())["pid"])
    for process in launcher.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            found[process] = process.memory_info().rss
    return found


LISTS = [operation for operation in API if operation.method == "GET" and "cursor" in operation.queries]


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_links_name_the_public_address(http: httpx.Client, fleet: Any, operation: Operation) -> None:
    headers = authorized(fleet) | {"Host": "inner.example:1", "X-Forwarded-Host": "evil.example"}
    answer = http.get(filled(operation, fleet), headers=headers, params={"query": "no such thing"})
    assert answer.status_code in {200, 400, 404}, answer.text
    links = re.findall(r"<([^>]*)>", answer.headers.get("link", ""))
    assert all(link.startswith(fleet.url + "/api/0/") for link in links), links
    assert "evil.example" not in str(answer.headers)


ODD_IDS = ["１" * 32, "١" * 32, "a" * 31, "a" * 33, "g" * 32, "{" + "a" * 32 + "}", "9" * 30, "-1", "%ff" * 16]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_ids_that_are_none_are_no_crash(http: httpx.Client, fleet: Any, odd: str) -> None:
    for operation in API:
        for name in re.findall(r"\{(\w+)\}", operation.path):
            if operation.method == "GET":
                answer = http.get(filled(operation, fleet, **{name: odd}), headers=authorized(fleet))
                assert answer.status_code < 500, (str(operation), name, answer.text)
