"""Pages of an organization with very much feedback: the time of an answer, and what it costs in the services.

`python -m tests.bench.pages --rows 1000000` fills a fleet of its own and measures each page, one request at a
time, at the service that serves it. With `--place FOLDER` the fleet is kept there, so that the next run need not
fill it.
`python -m tests.bench pages` measures with 50,000 rows.
"""

import argparse
import http.client
import itertools
import json
import statistics
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from hearback_devkit.engines.process import free_port

from tests.bench.many_rows import COMMON, RARE, fill
from tests.bench.model import Options, Row, machine
from tests.bench.processes import cpu_by_name, hearback
from tests.bench.programs import program

REACH_MS: Final = 80
ROUNDS: Final = 3
FACTS: Final = "bench.json"
PROJECTS: Final = 4


@dataclass
class Page:
    """A page with its addresses, which requests take in turn; `part` is what a script asks for by that name."""

    name: str
    service: str
    addresses: Sequence[str]
    part: str = ""
    times_ms: list[float] = field(default_factory=list)
    cpu_ms: dict[str, float] = field(default_factory=dict)
    size: int = 0
    first_ms: float = 0.0

    @property
    def p50(self) -> float:
        """The middle of the times."""
        return statistics.median(self.times_ms)

    @property
    def p95(self) -> float:
        """The time that one in twenty passes."""
        ordered = sorted(self.times_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]

    def line(self) -> str:
        """The page's line of the table."""
        count = len(self.times_ms)
        postgres = sum(spent for name, spent in self.cpu_ms.items() if name.startswith("postgres")) / count
        own = self.cpu_ms.get(self.service, 0.0) / count
        others = sum(self.cpu_ms.values()) / count - postgres - own
        cells = (
            self.name,
            f"{self.p50:.1f}",
            f"{self.p95:.1f}",
            f"{max(self.times_ms):.0f}",
            f"{self.first_ms:.0f}",
        )
        return (
            "| "
            + " | ".join((*cells, f"{own:.1f}", f"{others:.1f}", f"{postgres:.1f}", f"{self.size / 1000:.1f}"))
            + " |"
        )


HEAD: Final = (
    "| page | p50 ms | p95 ms | max ms | first ms | CPU ms, its service | others | PostgreSQL | KB sent |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass(frozen=True)
class Site:
    """A filled fleet and a session of its owner."""

    place: Path
    facts: dict[str, Any]
    group: int
    session: str
    rows: int

    def pages(self) -> list[Page]:
        """Return what is measured."""
        base = f"/organizations/{self.facts['organization']}"
        numbers, events = self._ids()
        return [
            *_of_feedback(f"{base}/feedback/", self.facts["project"], numbers),
            *_of_client_reports(base, events),
            Page("error", "user-reports", [f"{base}/issues/{self.group}/"]),
            Page("its user feedback tab", "user-reports", [f"{base}/issues/{self.group}/feedback/"]),
            Page("user reports without an error", "user-reports", [f"{base}/user-feedback/"]),
            Page("user reports, a word", "user-reports", [f"{base}/user-feedback/?query=pay"]),
            Page("inbox through the front door", "edge", [f"{base}/feedback/"]),
        ]

    def _ids(self) -> tuple[list[str], list[str]]:
        """Return numbers and event ids of feedback of all ages."""
        numbers, events = [], []
        issues = f"/api/0/organizations/{self.facts['organization']}/issues/"
        for step in range(1, 26):
            wanted = f"issue.category:feedback issue:BENCH-{max(1, self.rows * step * step // 700)}"
            for issue in _ask(self.facts, f"{issues}?query={quote(wanted)}"):
                numbers.append(issue["id"])
                events.append(_ask(self.facts, f"{issues}{issue['id']}/events/latest/")["eventID"])
        return numbers, events


def _of_feedback(inbox: str, project: str, numbers: list[str]) -> list[Page]:
    """Return the pages of feedback: lists, searches, and one that is open."""
    searches = (
        ("common word", [COMMON, f"{COMMON}+page"]),
        ("word of one in 300", [f"word{n}" for n in range(0, 300, 7)]),
        ("rare word", [RARE]),
        ("a tag", [f"customer%3Ac{n}" for n in range(0, 20_000, 371)]),
        ("beginning of an address", [f"user.email%3Aperson{n}*" for n in range(100, 900, 7)]),
        ("nothing", [f"nowhere{n}" for n in range(40)]),
    )
    one = [f"{inbox}?feedbackSlug={project}%3A{number}" for number in numbers]
    return [
        Page("inbox", "feedback", [inbox]),
        Page("inbox, resolved", "feedback", [f"{inbox}?mailbox=resolved"]),
        Page("inbox, all of one project", "feedback", [f"{inbox}?mailbox=all&project={project}"]),
        Page("inbox, an environment", "feedback", [f"{inbox}?environment=staging"]),
        *(
            Page(f"search, {name}", "feedback", [f"{inbox}?query={query}" for query in queries])
            for name, queries in searches
        ),
        Page("tabs counted again", "feedback", [inbox], part="tabs"),
        Page("inbox with one open", "feedback", one),
        Page("detail", "feedback", one, part="detail"),
        Page("beside the detail", "feedback", [f"{inbox}{number}/beside/" for number in numbers]),
    ]


def _of_client_reports(base: str, events: list[str]) -> list[Page]:
    """Return the pages of submissions and stats."""
    list_url, unknown = f"{base}/submissions/", [f"f{uuid.uuid4().hex[:8]}" for _ in range(20)]
    queries = (
        ("stats, 7 days", [f"{base}/stats/"]),
        ("stats, 90 days", [f"{base}/stats/?statsPeriod=90d"]),
        ("submissions", [list_url]),
        ("submissions, refused", [f"{list_url}?state=invalid"]),
        ("submissions, beginning of an id", [f"{list_url}?query={event[:8]}" for event in events]),
        ("submissions, unknown id", [f"{list_url}?query={part}" for part in unknown]),
        ("submission", [f"{list_url}{event}/" for event in events]),
    )
    return [Page(name, "client-reports", addresses) for name, addresses in queries]


class Browser:
    """One connection to a server, which asks for one thing at a time as a browser does."""

    def __init__(self, url: str, session: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._headers = {
            "Cookie": f"hearback_session={session}; hearback_zone=Europe/Madrid",
            "Accept": "text/html",
            "Accept-Encoding": "gzip",
            "Sec-Fetch-Site": "same-origin",
        }

    def get(self, path: str, part: str = "") -> tuple[float, int, int]:
        """Return the milliseconds until the whole answer was there, its size and status."""
        headers = {**self._headers, **({"HX-Request": "true", "HX-Target": part} if part else {})}
        start = time.perf_counter()
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        size = len(answer.read())
        return (time.perf_counter() - start) * 1e3, size, answer.status


def _measure(page: Page, browser: Browser, times: int, turns: Iterator[str]) -> None:
    for _ in range(times):
        spent, page.size, status = browser.get(next(turns), page.part)
        if status != 200:
            raise RuntimeError(f"{page.name}: {status}")
        page.times_ms.append(spent)


def measure(site: Site, times: int, only: str = "") -> list[Page]:
    """Measure each page in rounds; between two rounds of one page are all the others."""
    status = hearback(site.place, "status")
    browsers = {one["name"]: Browser(one["url"], site.session) for one in status["services"]}
    pages = [page for page in site.pages() if any(word in page.name for word in only.split(","))]
    turns = {page.name: itertools.cycle(page.addresses) for page in pages}
    for page in pages:
        page.first_ms = browsers[page.service].get(next(turns[page.name]), page.part)[0]
        for _ in range(3):
            browsers[page.service].get(next(turns[page.name]), page.part)
    for _ in range(ROUNDS):
        for page in pages:
            before = cpu_by_name(status)
            _measure(page, browsers[page.service], max(1, times // ROUNDS), turns[page.name])
            after = cpu_by_name(status)
            for name in after:
                spent = (after[name] - before.get(name, 0.0)) * 1e3
                page.cpu_ms[name] = page.cpu_ms.get(name, 0.0) + spent
    port = free_port()
    with program("tests.bench.bare", str(port), port=port, ready="/"):
        bare = Page("a bare app", "", ["/"])
        _measure(bare, Browser(f"http://127.0.0.1:{port}", ""), times, itertools.cycle(bare.addresses))
    return [*pages, bare]


def _open(place: Path, rows: int) -> Site:
    """Start a fleet in a folder and fill it, as far as it is not."""
    facts = hearback(place, "up", "--detach", "--port", str(free_port()))
    kept = place / FACTS
    if kept.exists():
        facts = {**json.loads(kept.read_text()), "url": facts["url"]}
    else:
        facts["projects"] = [facts["project_id"], *(_new_project(facts, n) for n in range(1, PROJECTS))]
        kept.write_text(json.dumps(facts))
    state = json.loads((place / "state.json").read_text())["environment"]
    began = time.monotonic()
    organization = _organization_id(facts)
    group = fill(state["HEARBACK_DATABASE_URL"], organization, facts["projects"], rows)
    print(f"filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return Site(place, facts, group, _sign_in(facts), rows)


def _ask(facts: dict[str, Any], path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        facts["url"] + path,
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {facts['token']}", "Content-Type": "application/json"},
    )
    return json.load(urllib.request.urlopen(request, timeout=60))


def _new_project(facts: dict[str, Any], number: int) -> int:
    path = f"/api/0/organizations/{facts['organization']}/projects/"
    return int(_ask(facts, path, {"name": f"Project {number}", "slug": f"project-{number}"})["id"])


def _organization_id(facts: dict[str, Any]) -> int:
    return int(_ask(facts, f"/api/0/organizations/{facts['organization']}/")["id"])


def _sign_in(facts: dict[str, Any]) -> str:
    request = urllib.request.Request(
        f"{facts['url']}/api/0/auth/login/",
        json.dumps({"email": facts["admin_email"], "password": facts["admin_password"]}).encode(),
        {"Content-Type": "application/json"},
    )
    headers = urllib.request.urlopen(request, timeout=60).headers
    cookies = [str(one) for one in headers.get_all("Set-Cookie") or []]
    return next(one for one in cookies if one.startswith("hearback_session=")).partition("=")[2].partition(";")[0]


def bench(place: Path | None, rows: int, times: int, only: str = "") -> list[Page]:
    """Measure in a folder that is kept, or in one of the moment."""
    with tempfile.TemporaryDirectory(prefix="hearback-bench-") as folder:
        Path(folder).chmod(0o755)
        chosen = place or Path(folder) / "data"
        try:
            return measure(_open(chosen, rows), times, only)
        finally:
            hearback(chosen, "down")


def run(options: Options) -> list[Row]:
    """Measure with few rows."""
    pages = bench(None, 50_000, max(30, int(options.seconds * 20)))
    rows = []
    for page in pages:
        row = Row(f"page: {page.name}", [1e3 / page.p50], reach=f"p95 <= {REACH_MS} ms", p50_ms=[page.p50])
        row.notes = [f"p95 {page.p95:.1f} ms"]
        rows.append(row)
    return rows


def main() -> None:
    """Measure as the command line says and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=200, help="requests of each page")
    parser.add_argument("--place", type=Path, help="a folder in which the fleet and its data are kept")
    parser.add_argument("--only", default="", help="pages whose name holds one of these words")
    given = parser.parse_args()
    pages = bench(given.place, given.rows, given.times, given.only)
    print(f"{given.rows:,} feedback; {given.times} requests of each page, one at a time. {machine()}.\n\n{HEAD}")
    print("\n".join(page.line() for page in pages))
    slow = [page.name for page in pages if page.p95 > REACH_MS]
    print(f"\nAbove {REACH_MS} ms at p95: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
