"""The generated Caddyfile, run by the real Caddy in front of a fleet: what the edge does, Caddy does."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from hearback_contracts.routes import ROUTES, service_of
from hearback_devkit.engines.process import free_port
from hearback_local.generate.caddyfile import upstream_variable

ROOT = Path(__file__).parents[2]
CADDY = Path(sys.executable).parent / "caddy"
CADDYFILE = ROOT / "deploy" / "docker" / "Caddyfile"
ATTACHMENT = os.urandom(2**20) * 30
CADDY_MEMORY_MB_MAX = 150
# Differ by the minute, or end at each proxy.
UNCOMPARED = {"date", "connection", "keep-alive", "transfer-encoding"}
PREFLIGHT = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
NAMES = {route.service for route in ROUTES}


@contextlib.contextmanager
def caddy(upstreams: dict[str, str], folder: Path, wait_until: Any, **more: str) -> Iterator[tuple[str, int]]:
    """The URL and process id of a Caddy before these services (host and port by name)."""
    url = f"http://127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        **{upstream_variable(name): address for name, address in upstreams.items()},
        "HEARBACK_SITE": url,
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        **more,
    }
    command = [str(CADDY), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
    with (
        (folder / "caddy.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder) as process,
    ):
        try:
            wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, seconds=60)
            yield url, process.pid
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def services(fleet: Any) -> dict[str, str]:
    """Host and port of each service of the fleet."""
    status = fleet.status()
    return {service["name"]: service["url"].removeprefix("http://") for service in status["services"]}


@pytest.fixture(scope="module")
def before_fleet(
    services: dict[str, str], tmp_path_factory: pytest.TempPathFactory, wait_until: Any
) -> Iterator[tuple[str, int]]:
    with caddy(services, tmp_path_factory.mktemp("caddy"), wait_until) as running:
        yield running


@pytest.fixture
def both(fleet: Any, before_fleet: tuple[str, int]) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of the edge and of Caddy, with the fleet's token."""
    headers = {"Authorization": f"Bearer {fleet.token}"}
    with (
        httpx.Client(base_url=fleet.facts["url"], headers=headers, timeout=30) as edge,
        httpx.Client(base_url=before_fleet[0], headers=headers, timeout=30) as proxy,
    ):
        yield edge, proxy


def seen(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """What of an answer must be the same through either."""
    headers = {name: value for name, value in answer.headers.items() if name not in UNCOMPARED}
    return answer.status_code, headers, answer.content


def example(pattern: str, organization: str, project: str) -> str:
    """A path that a pattern of the table matches."""
    path = (
        pattern.replace(r"/?$", "/")
        .replace("(?:/|$)", "/")
        .replace("/$", "/")
        .replace("(?:organizations/[^/]+/)?", f"organizations/{organization}/")
    )
    path = re.sub(r"\(\?:\[0-9\].*?\)", "7", path)
    path = re.sub(r"\(\?:([a-z-]+)\|.*?\)", r"\1", path)
    path = path.replace(r"[^/]+-[eE][rR][rR]-[0-9a-zA-Z]+", "WEB-ERR-7")
    path = path.replace("/projects/[^/]+/[^/]+", f"/projects/{organization}/{project}")
    return path.replace("organizations/[^/]+", f"organizations/{organization}").replace("[^/]+", "12")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.pattern)
def test_every_route_leads_where_the_edge_leads(
    route: Any, fleet: Any, services: dict[str, str], both: tuple[httpx.Client, httpx.Client]
) -> None:
    path = example(route.pattern, fleet.organization, fleet.project)
    assert service_of(path) == route.service, path
    edge, proxy = both
    through_edge, through_caddy = edge.get(path), proxy.get(path)
    direct = httpx.get(f"http://{services[route.service]}{path}", headers=dict(edge.headers))
    if "text/html" in direct.headers.get("Content-Type", ""):  # a page differs from request to request
        kinds = {
            (one.status_code, one.headers.get("Content-Type")) for one in (direct, through_caddy, through_edge)
        }
        assert len(kinds) == 1
        return
    assert (through_caddy.status_code, through_caddy.content) == (direct.status_code, direct.content)
    assert seen(through_caddy) == seen(through_edge)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        (
            "OPTIONS",
            "/api/{id}/envelope/",
            {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"},
        ),
        ("POST", "/api/{id}/envelope/?sentry_key={key}", {"Origin": "https://shop.example"}),
        ("POST", "//api//{id}//envelope/?sentry_key={key}", {}),
        ("POST", "/api/{id}/store/?sentry_key={key}", {"Content-Encoding": "gzip"}),
        ("OPTIONS", "/api/embed/error-page/", {"Origin": "https://shop.example"}),
        ("GET", "/api/embed/error-page/?eventId=" + "a" * 32, {}),
        ("HEAD", "/api/0/projects/{organization}/{project}/keys/", {}),
        ("GET", "/api/0/organizations/{organization}/issues/?query=issue.category:feedback", {}),
        ("GET", "/healthz", {}),
    ],
)
def test_answers_are_the_same_through_either(
    method: str, path: str, headers: dict[str, str], fleet: Any, both: tuple[httpx.Client, httpx.Client]
) -> None:
    path = path.format(
        id=fleet.project_id, key=fleet.public_key, organization=fleet.organization, project=fleet.project
    )
    edge, proxy = (seen(client.request(method, path, headers=headers)) for client in both)
    assert proxy == edge


def test_unknown_path_is_not_found(both: tuple[httpx.Client, httpx.Client]) -> None:
    for path in ("/nowhere", "/internal/bootstrap", "/metrics"):
        edge, proxy = (client.get(path) for client in both)
        assert (proxy.status_code, proxy.json()) == (edge.status_code, edge.json()) == (404, edge.json())


def test_large_attachment_streams_both_ways(project: Any, before_fleet: tuple[str, int], wait_until: Any) -> None:
    url, pid = before_fleet
    event_id = "c0ffee00" * 4
    event = json.dumps({"event_id": event_id, "contexts": {"feedback": {"message": "With a file"}}}).encode()
    head = json.dumps({"type": "attachment", "filename": "large.bin", "length": len(ATTACHMENT)}).encode()

    def envelope() -> Iterator[bytes]:
        yield json.dumps({"event_id": event_id}).encode() + b"\n"
        yield b'{"type":"feedback"}\n' + event + b"\n" + head + b"\n"
        for position in range(0, len(ATTACHMENT), 2**18):
            yield ATTACHMENT[position : position + 2**18]

    path = f"{url}/api/{project.project_id}/envelope/?sentry_key={project.public_key}"
    sent = httpx.post(path, content=envelope(), timeout=60)
    assert sent.status_code == 200, sent.text
    files = f"/api/0/projects/{project.organization}/{project.project}/events/{event_id}/attachments/"

    def found() -> list[dict[str, Any]]:
        answer = project.http.get(files)
        assert answer.status_code == 200, answer.text
        return answer.json()

    (file,) = wait_until(found)
    got = httpx.get(
        f"{url}{files}{file['id']}/?download=1", headers={"Authorization": f"Bearer {project.token}"}, timeout=60
    )
    assert got.content == ATTACHMENT
    assert peak_memory_mb(pid) < CADDY_MEMORY_MB_MAX


def peak_memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers of the request."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.mark.parametrize("trusted", ["", "10.0.0.0/8 127.0.0.0/8"])
def test_client_is_named_to_the_service_and_only_a_proxy_in_front_can_name_another(
    tmp_path: Path, wait_until: Any, trusted: str
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever).start()
    try:
        upstreams = dict.fromkeys(NAMES, f"127.0.0.1:{server.server_port}")
        with caddy(upstreams, tmp_path, wait_until, HEARBACK_EDGE_TRUSTED_PROXIES=trusted) as (url, _):
            made_up = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https"}
            headers = httpx.get(f"{url}/api/0/projects/", headers=made_up).json()
    finally:
        server.shutdown()
        server.server_close()
    assert headers["x-forwarded-for"] == ("9.9.9.9, 127.0.0.1" if trusted else "127.0.0.1")
    assert headers["x-forwarded-proto"] == ("https" if trusted else "http")
    assert headers["host"] == url.removeprefix("http://")


def test_service_that_is_away_is_503_with_retry_after(tmp_path: Path, wait_until: Any) -> None:
    with caddy(dict.fromkeys(NAMES, "127.0.0.1:1"), tmp_path, wait_until) as (url, _):
        answer = httpx.post(f"{url}/api/1/envelope/", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["access-control-allow-origin"] == "*"
