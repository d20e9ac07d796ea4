"""Every call of one service by another, and by operators' commands, keeps to the called one's committed document.

Each client calls a stand-in, which holds path, parameters and body to the document and answers as it says: with
everything that the schemas have, with null wherever they allow it, and with the least. Reading what a schema does
not have fails. That real answers are like their schemas is shown by `tests/api/test_openapi.py` of each service.
"""

import ast
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock
from urllib.parse import parse_qsl

import httpx
import pytest
from feedback.jobs import announce_projects
from feedback.pages.related import read_related
from feedback.service import ask_fleet
from feedback.service.find_error_events import ErrorEventIndex
from feedback.store.projects import Announcement
from hearback_contracts.config import OrganizationConfig, ProjectConfig, ProjectRef
from hearback_fleet.access import registry_introspection
from hearback_kit.auth import Authenticator
from hearback_kit.http import ServiceClient
from hearback_local.fleet import bootstrap, erasure, reprocessing
from hearback_local.generate.network import CALLS
from hearback_local.services import SERVICES
from jsonschema import Draft202012Validator
from notifier.clients.recipients import RecipientDirectory
from starlette.requests import Request
from user_reports.service.find_feedback import FeedbackLookup

ROOT = Path(__file__).resolve().parents[2]
EVENT = "e" * 32
ORGANIZATION = OrganizationConfig(id=1, slug="demo", name="Demo", projects=(ProjectRef(id=1, slug="web"),))
DOCUMENTS = {
    service.name: json.loads((ROOT / f"services/{service.folder}/openapi.json").read_text())
    for service in SERVICES
}
TEXTS = ("1", "2026-01-01T00:00:00Z", "a" * 32, "0" * 64)
FULL, NULLS, LEAST = FORMS = ("full", "nulls", "least")
Json = Any


class Seen(dict[str, Json]):
    """An object of an answer; asked for a name that its schema does not have, it fails."""

    def __init__(self, values: Mapping[str, Json], names: set[str]) -> None:
        super().__init__(values)
        self._names = names

    def _known(self, name: str) -> str:
        assert name in self._names, f"{name} is in no schema: {sorted(self._names)}"
        return name

    def __getitem__(self, name: str) -> Json:
        return super().__getitem__(self._known(name))

    def get(self, name: str, default: Json = None) -> Json:
        return super().get(self._known(name), default)


class Answer(httpx.Response):
    """An answer whose objects are `Seen`."""

    seen: Json = None

    def json(self, **_: Any) -> Json:
        return self.seen


class Provider(httpx.AsyncBaseTransport):
    """Stands in for a service: takes what its document allows, and answers by it in one of the `FORMS`."""

    def __init__(self, document: dict[str, Any], form: str) -> None:
        self._document = document
        self._form = form
        self.called: list[tuple[str, str]] = []
        self.answered: list[Json] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        method, path = request.method.lower(), request.url.path
        template, operation, given = self._find(method, path)
        form = LEAST if (method, template) in self.called and self._form == FULL else self._form  # pages end
        self.called.append((method, template))
        self._check_parameters(operation, given, parse_qsl(request.url.query.decode(), keep_blank_values=True))
        self._check_body(operation, await request.aread())
        (status,) = (int(one) for one in operation["responses"] if one.startswith("2"))
        content = operation["responses"][str(status)].get("content", {}).get("application/json")
        if content is None:
            return Answer(status)
        answer = Answer(status, json=self._example(content["schema"], form))
        answer.seen = self._example(content["schema"], form)
        self.answered.append(answer.seen)
        return answer

    def _find(self, method: str, path: str) -> tuple[str, dict[str, Any], dict[str, str]]:
        for template, item in sorted(self._document["paths"].items(), key=lambda one: one[0].count("{")):
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
            if (match := re.fullmatch(pattern, path)) and method in item:
                return template, item[method], match.groupdict()
        raise AssertionError(f"no operation {method} {path}")

    def _check_parameters(
        self, operation: dict[str, Any], path: dict[str, str], query: list[tuple[str, str]]
    ) -> None:
        declared = {(one["in"], one["name"]): one for one in operation.get("parameters", [])}
        for place, name, text in [("path", *one) for one in path.items()] + [("query", *one) for one in query]:
            parameter = declared.get((place, name))
            assert parameter is not None, f"{name} is no parameter of the {place}"
            values = [text, *([int(text)] if text.isdecimal() else [])]
            assert any(
                self._fits(parameter["schema"], one) or self._fits(parameter["schema"], [one]) for one in values
            )
        needed = {name for (place, name), one in declared.items() if place == "query" and one.get("required")}
        assert needed <= {name for name, _ in query}

    def _check_body(self, operation: dict[str, Any], body: bytes) -> None:
        if "requestBody" not in operation:
            assert body == b""
            return
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        self._validator(schema).validate(json.loads(body))
        stated, sent = self._resolved(schema), json.loads(body)
        assert set(sent) <= set(stated["properties"]), "sends what is not read"

    def _validator(self, schema: Json) -> Draft202012Validator:
        return Draft202012Validator({**schema, "components": self._document["components"]})

    def _fits(self, schema: Json, value: Json) -> bool:
        return bool(self._validator(schema).is_valid(value))

    def _resolved(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def _example(self, schema: Json, form: str) -> Json:
        schema = self._resolved(schema)
        for some in ("anyOf", "oneOf"):
            if some in schema:
                is_null = [one for one in schema[some] if one.get("type") == "null"]
                others = [one for one in schema[some] if one.get("type") != "null"]
                return self._example((is_null if is_null and form != FULL else others)[0], form)
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        kind = schema.get("type")
        assert kind, f"an answer may be anything: {schema}"
        if kind == "object":
            return self._object(schema, form)
        if kind == "array":
            number = schema.get("minItems", 0 if form == LEAST else 1)
            return [self._example(schema["items"], form)] * number
        plain: dict[str, Json] = {"integer": 1, "number": 1, "boolean": True, "null": None}
        return plain[kind] if kind in plain else next(one for one in TEXTS if self._fits(schema, one))

    def _object(self, schema: Json, form: str) -> Json:
        properties = schema.get("properties")
        if properties is None:
            values = schema.get("additionalProperties")
            return {} if form == LEAST or not isinstance(values, dict) else {"1": self._example(values, form)}
        names = schema.get("required", []) if form == LEAST else properties
        return Seen({name: self._example(properties[name], form) for name in names}, set(properties))


class Fleet:
    """Stand-ins of all services, and clients of them."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.providers = {name: Provider(document, form) for name, document in DOCUMENTS.items()}
        self.state = {
            "environment": {"HEARBACK_SECRET_KEY": "s" * 32, "HEARBACK_REGISTRY_URL": "http://registry"},
            "services": [{"name": name, "port": port} for port, name in enumerate(DOCUMENTS, 1)],
        }

    def transport_of(self, base_url: str) -> Provider:
        host, _, port = base_url.removeprefix("http://").partition(":")
        return self.providers[list(DOCUMENTS)[int(port) - 1] if port else host]

    def client(self, name: str) -> ServiceClient:
        return ServiceClient(f"http://{name}", service="test", secret="s" * 32)

    def called(self) -> set[tuple[str, str, str]]:
        return {(name, *one) for name, provider in self.providers.items() for one in provider.called}


@pytest.fixture(params=FORMS)
def stand_ins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Let every client of services call stand-ins."""
    found, client_class = Fleet(request.param), httpx.AsyncClient

    def client(*, base_url: str, **more: Any) -> httpx.AsyncClient:
        return client_class(base_url=base_url, **{**more, "transport": found.transport_of(base_url)})

    monkeypatch.setattr(httpx, "AsyncClient", client)
    return found


async def announce(fleet: Fleet, patch: pytest.MonkeyPatch) -> None:
    known: list[Any] = []

    async def unannounced(*_: Any) -> list[Announcement]:
        return [Announcement(1, has_new_feedbacks=True)]

    async def mark(_: Any, some: list[Announcement]) -> None:
        known.extend(some)

    patch.setattr(announce_projects, "list_unannounced", unannounced)
    patch.setattr(announce_projects, "mark_announced", mark)
    database: Any = SimpleNamespace(statements=nullcontext, write=lambda change, some: change(None, some))
    await announce_projects.announce_projects(database, fleet.client("registry"))
    assert len(known) == 1


async def show_related(fleet: Fleet, patch: pytest.MonkeyPatch) -> None:
    async def no_rows(*_: Any) -> Any:
        return [], []

    patch.setattr(import_module("feedback.pages.related"), "_rows", no_rows)
    names = ("client-reports", "notifier", "user-reports")
    state: Any = SimpleNamespace(fleet=ask_fleet.Fleet(*(fleet.client(name) for name in names), 5.0))
    feedback: Any = SimpleNamespace(project_id=1, event_id=EVENT, submission_id=EVENT, associated_event_id=EVENT)
    request: Any = SimpleNamespace(cookies={})
    found = await read_related(request, state, ORGANIZATION, feedback)
    assert found["fate_available"]
    assert found["deliveries_available"]
    assert found["error"] is not None
    assert found["error"]["short_id"]
    if fleet.form == FULL:
        assert found["error"]["reports"][0]["person"]
        assert found["fate"][0]["service"]
        assert found["deliveries"][0]["channel"]


async def find_errors(fleet: Fleet, _: pytest.MonkeyPatch) -> None:
    index = ErrorEventIndex(fleet.client("user-reports"))
    assert await index.find(1, [EVENT]) == ({"1"} if fleet.form != LEAST else set())
    assert await index.find_group(1, [1, 2], EVENT)


async def find_recipients(fleet: Fleet, _: pytest.MonkeyPatch) -> None:
    configuration: Any = AsyncMock(organization=AsyncMock(return_value=None))
    directory = RecipientDirectory(fleet.client("registry"), configuration, seconds=1)
    found = await directory.members(
        ProjectConfig(id=1, slug="web", name="web", organization_id=1, organization_slug="demo")
    )
    if fleet.form == FULL:
        assert (found[0].language, found[0].name, found[0].unsubscribe_url) == ("1", "1", "1")


async def find_feedback(fleet: Fleet, _: pytest.MonkeyPatch) -> None:
    lookup = FeedbackLookup(fleet.client("feedback"))
    for found in (await lookup.find_event(1, EVENT), await lookup.find_event(1, EVENT, 1)):
        assert found
        assert found["event"]
    assert await lookup.find_short_id(1, "WEB-1")
    template = (ROOT / "services/user-reports/src/user_reports/templates/group_feedback.html").read_text()
    named = {tuple(names.split(".")) for names in re.findall(r"\bone\.(\w+(?:\.\w+)*)", template)}
    assert ("metadata", "message") in named
    for value in await lookup.list_linked(1, 1, [EVENT]):
        for names in named:
            part: Json = value
            for name in names:
                part = part[name]


async def introspect(fleet: Fleet, _: pytest.MonkeyPatch) -> None:
    scope = {"type": "http", "method": "GET", "headers": [(b"authorization", b"Bearer x")]}
    ask = Authenticator(registry_introspection(fleet.client("registry")))
    principal = await ask.authenticate(Request(scope))
    assert principal is not None
    if fleet.form == FULL:
        assert (principal.email, principal.tenants, principal.scopes) == ("1", {1: "1"}, {"1"})


async def begin(fleet: Fleet, _: pytest.MonkeyPatch) -> None:
    environment = fleet.state["environment"]
    assert isinstance(environment, dict)
    assert await bootstrap.ask(environment, "demo", "web")
    assert bootstrap.with_addresses(fleet.providers["registry"].answered[-1], "http://x", ROOT)["dsn"]
    for more in ({}, {"password": "a long password"}):
        body = {"organization": "demo", "email": "ada@example.com", "role": "member", **more}
        await bootstrap.call(environment, bootstrap.MEMBERS_PATH, body)


async def erase(fleet: Fleet, _: pytest.MonkeyPatch) -> None:
    erased: dict[str, int] = {}
    for name in (*erasure.OWNERS, *erasure.HOLDERS):
        await erasure.ask_service(fleet.state, name, "ada@example.com", [(1, EVENT)], erased)
    assert erased == ({} if fleet.form == LEAST else {"1": 4})


async def reprocess(fleet: Fleet, _: pytest.MonkeyPatch) -> None:
    wanted = {"start": TEXTS[1], "end": TEXTS[1], "dry_run": False, "project_id": 1}
    found = await reprocessing.reprocess_range(fleet.state, wanted, lambda *_: None)
    assert found["refused"]["examined"] == (0 if fleet.form == LEAST else 1)


Case = Callable[[Fleet, pytest.MonkeyPatch], Awaitable[None]]
# Who calls; None stands for operators' commands.
CASES: list[tuple[str | None, Case]] = [
    ("feedback", announce), ("feedback", show_related), ("feedback", find_errors), ("notifier", find_recipients),
    ("user-reports", find_feedback), ("feedback", introspect),
    (None, begin), (None, erase), (None, reprocess),
]  # fmt: skip


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=lambda case: case.__name__)
async def test_a_client_keeps_to_the_document(
    case: Case, stand_ins: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await case(stand_ins, monkeypatch)


@pytest.mark.parametrize("stand_ins", [NULLS], indirect=True)
async def test_no_call_is_forgotten(stand_ins: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    by_caller: dict[str | None, set[str]] = {}
    for caller, case in CASES:
        before = stand_ins.called()
        await case(stand_ins, monkeypatch)
        by_caller.setdefault(caller, set()).update(name for name, *_ in stand_ins.called() - before)
    called = {template for _, _, template in stand_ins.called()}
    internal = {path for document in DOCUMENTS.values() for path in document["paths"] if "/internal/" in path}
    assert internal - called == set(), "has no caller"
    for file, path in called_paths():
        assert any(fits(path, one) for one in called), f"{file}: {path} is in no case"
    for caller, names in by_caller.items():
        assert caller is None or names | {"registry"} == {*CALLS[caller], "registry"}
    assert {caller for caller, names in CALLS.items() if set(names) - {"registry"}} <= set(by_caller)


def called_paths() -> Iterator[tuple[str, str]]:
    """Yield file and path of every call in modules that work with a client of another service."""
    for path in sorted(one for folder in ("services", "shared") for one in (ROOT / folder).rglob("src/**/*.py")):
        text = path.read_text()
        if "ServiceClient" not in text:
            continue
        tree = ast.parse(text)
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            found = template_of(node) if isinstance(node, ast.expr) and id(node) not in inside else None
            if found and found.startswith(("/internal/", "/api/0/")):
                yield path.relative_to(ROOT).as_posix(), found


def template_of(node: ast.expr) -> str | None:
    """Return a text or an f-string as a path with `{}` for what is filled in, without its query."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.partition("?")[0]
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        return "".join(str(part) for part in parts).partition("?")[0]
    return None


def fits(path: str, template: str) -> bool:
    """Whether a path of a call is a template's; what is filled in may be several parts."""
    return re.fullmatch(re.escape(path).replace(r"\{\}", r".+"), re.sub(r"\{\w+\}", "{}", template)) is not None


async def test_what_is_in_no_document_is_found(stand_ins: Fleet) -> None:
    client = stand_ins.client("user-reports")
    for target, body in (
        ("/internal/events/exists", b"{}"),
        ("/internal/events/exist?page=1", b'{"project_id": 1, "event_ids": []}'),
    ):
        with pytest.raises(AssertionError):
            await client.request("POST", target, body=body)
    for body in (b"", b'{"project_id": "x", "event_ids": []}', b'{"project_id": 1, "event_ids": [], "more": 1}'):
        with pytest.raises(Exception, match=r"Expecting value|is not of type|sends what is not read"):
            await client.request("POST", "/internal/events/exist", body=body)
    answer = await client.request("POST", "/internal/events/exist", body=b'{"project_id": 1, "event_ids": []}')
    with pytest.raises(AssertionError, match="missing is in no schema"):
        answer.json().get("missing")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_what_services_ask_each_other_is_not_for_others(service: Any) -> None:
    app = service.load().create_app(service.load().settings.model_construct())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as client:
        for path, item in DOCUMENTS[service.name]["paths"].items():
            for method in item if path.startswith("/internal/") else ():
                answer = await client.request(method, re.sub(r"\{\w+\}", "1", path), content=b"{}")
                assert answer.status_code == 401, (method, path)
