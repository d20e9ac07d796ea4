"""The fleet as a black box: started once by its own command, spoken to by that and over HTTP only."""

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from hearback_command import hearback
from prepared_stores import prepare

TRUE, ANY = object(), object()


def eventually(condition: Callable[[], Any], seconds: float = 120.0, equals: Any = TRUE) -> Any:
    """Call `condition` until it returns something true, or what it shall equal; its last failure is the error.

    `hearback_devkit` has the same; black-box tests import nothing of ours.
    """
    deadline = time.monotonic() + seconds
    while True:
        problem: Exception | None = None
        found: Any = None
        began = time.monotonic()
        try:
            found = condition()
        except (AssertionError, LookupError, httpx.TransportError) as error:
            problem = error
        if problem is None and (found if equals is TRUE else found == equals):
            return found
        if time.monotonic() > deadline:
            wanted = "" if equals is TRUE else f", not {equals!r},"
            raise problem or AssertionError(f"still {found!r}{wanted} after {seconds} s")
        time.sleep(max(0.05, time.monotonic() - began))  # what costs much to ask is asked half of the time


async def outbox_rows(data_dir: Path) -> int:
    """Count what was committed and not published: a lag has it only once it has been left behind for seconds."""
    url = json.loads((data_dir / "state.json").read_text())["environment"]["HEARBACK_DATABASE_URL"]
    found = 0
    for name in ("client_reports", "feedback", "notifier", "user_reports"):
        try:
            connection = await asyncpg.connect(url, database=name)
            found += await connection.fetchval("SELECT count(*) FROM outbox")
            await connection.close()
        except (OSError, asyncpg.PostgresError) as error:
            raise AssertionError(f"{name} cannot be read") from error
    return found


class Fleet:
    """A running fleet and one of its projects."""

    def __init__(self, facts: dict[str, Any], data_dir: Path) -> None:
        self.facts = facts
        self.data_dir = data_dir
        self._projects: list[Fleet] = []
        self.http = httpx.Client(
            base_url=facts["url"],
            headers={"Authorization": f"Bearer {facts['token']}"},
            timeout=30,
        )

    def __getattr__(self, name: str) -> Any:
        try:
            return self.facts[name]
        except KeyError:
            raise AttributeError(name) from None

    def command(self, *arguments: str, text: str = "") -> str:
        """Run `hearback` on this fleet's folder with a text as its input; returns what it printed."""
        done = hearback(self.data_dir, *arguments, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        """What `hearback status --json` prints."""
        found: dict[str, Any] = json.loads(self.command("status", "--json"))
        return found

    def settle(self) -> None:
        """Wait until no service has anything left to do: entries leave a stream only when they are done.

        Only then can a duplicate be ruled out; while a message waits for its redelivery it cannot.
        """

        def nothing_left() -> bool:
            for _ in range(2):  # a message may be on its way from an outbox that is read to a stream that was
                services = self.status()["services"]
                assert services
                assert all(service["lag"] == 0 for service in services), services
                assert asyncio.run(outbox_rows(self.data_dir)) == 0
            gateway = next(service for service in services if service["name"] == "envelope-gateway")
            assert "\nhearback_spool_records 0.0\n" in httpx.get(f"{gateway['url']}/metrics", timeout=30).text
            return True

        with ThreadPoolExecutor(1) as pool:  # also where an event loop runs
            eventually(lambda: pool.submit(nothing_left).result(), seconds=120)

    def new_project(self, organization: str | None = None) -> "Fleet":
        """A fresh project, so that tests do not see each other's data; a new organization has its own token."""
        slug = f"p{uuid.uuid4().hex[:10]}"
        if organization:
            facts = json.loads(self.command("project", "create", f"{organization}/{slug}", "--json"))
        else:
            facts = self._create_project(slug)
        created = Fleet(facts, self.data_dir)
        self._projects.append(created)
        return created

    def _create_project(self, slug: str) -> dict[str, Any]:
        answer = self.http.post(
            f"/api/0/organizations/{self.organization}/projects/", json={"name": slug, "slug": slug}
        )
        assert answer.status_code == 201, answer.text
        project_id = int(answer.json()["id"])
        key = self.get(f"/api/0/projects/{self.organization}/{slug}/keys/")[0]
        return {
            **self.facts,
            "project": slug,
            "project_id": project_id,
            "public_key": key["public"],
            "dsn": key["dsn"]["public"],
        }

    def close(self) -> None:
        """Close the connections of this project and of those made from it."""
        for project in self._projects:
            project.close()
        self.http.close()

    def get(self, path: str, **params: Any) -> Any:
        """GET a JSON document of the API; fails on any other status than 200."""
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def issues(self, query: str = "", **params: Any) -> list[dict[str, Any]]:
        """The project's feedback issues that match a query."""
        found = self.get(
            f"/api/0/organizations/{self.organization}/issues/",
            query=f"issue.category:feedback {query}".strip(),
            project=self.project_id,
            **params,
        )
        assert isinstance(found, list)
        return found

    def latest_event(self, issue_id: str) -> dict[str, Any]:
        """The event of a feedback issue."""
        found = self.get(f"/api/0/organizations/{self.organization}/issues/{issue_id}/events/latest/")
        assert isinstance(found, dict)
        return found

    def submission(self, submission_id: str) -> dict[str, Any] | None:
        """The fate of a submission, or None while nothing is known."""
        path = f"/api/0/projects/{self.organization}/{self.project}/submissions/{submission_id}/"
        answer = self.http.get(path)
        return answer.json() if answer.status_code == 200 else None

    def reached(self, submission_id: str, state: str, reason: Any = ANY) -> dict[str, Any]:
        """Wait for a state of a submission, and its reason if one is named; returns its fate then."""

        def fate() -> dict[str, Any]:
            found = self.submission(submission_id)
            assert found is not None, "nothing is known of it"
            assert found["state"] == state, found
            assert reason in {ANY, found["reason"]}, found
            return found

        found: dict[str, Any] = eventually(fate, seconds=60)
        return found

    def kept(self, submission_id: str) -> dict[str, Any]:
        """Wait until a submission has become a feedback; returns its fate then."""
        found: dict[str, Any] = eventually(
            lambda: (fate := self.submission(submission_id)) and fate["feedbackId"] and fate
        )
        return found

    def indexed(self, event_id: str) -> dict[str, Any]:
        """Wait until an error is known, as reports on it must; returns the event."""
        path = f"/api/0/projects/{self.organization}/{self.project}/events/{event_id}/"
        answer: httpx.Response = eventually(lambda: (got := self.http.get(path)).status_code == 200 and got)
        event: dict[str, Any] = answer.json()
        return event

    def counts(self, *group_by: str, period: str = "1h", **filters: Any) -> dict[Any, int]:
        """What was counted and is not zero, by the values of these fields, or the value of the only one."""
        answer = self.get(
            f"/api/0/organizations/{self.organization}/stats_v2/",
            project=self.project_id,
            field="sum(quantity)",
            statsPeriod=period,
            interval="1h",
            groupBy=list(group_by),
            **filters,
        )
        found: dict[Any, int] = {}
        for group in answer["groups"]:
            values = tuple(group["by"][name] for name in group_by)
            if quantity := group["totals"]["sum(quantity)"]:
                found[values[0] if len(values) == 1 else values] = quantity
        return found

    def send(self, *items: tuple[dict[str, Any], bytes], header: dict[str, Any] | None = None) -> httpx.Response:
        """Post an envelope as an SDK would."""
        lines = [json.dumps(header or {}).encode()]
        for item_header, payload in items:
            lines += [json.dumps({**item_header, "length": len(payload)}).encode(), payload]
        auth = f"Sentry sentry_key={self.public_key}, sentry_version=7, sentry_client=black-box/1.0"
        return httpx.post(
            f"{self.facts['url']}/api/{self.project_id}/envelope/",
            content=b"\n".join(lines),
            headers={"X-Sentry-Auth": auth},
            timeout=30,
        )


# Whoever looks at counts waits for no long batch.
SHORT_MOMENTS = {"CLIENT_REPORTS_GATHER_MS_MAX": "200"}


def start_fleet(data_dir: Path, **environment: str) -> Fleet:
    """Start a fleet in a folder, on a free port, and wait until it is ready."""
    if "HEARBACK_DATABASE_URL" not in environment:
        prepare(data_dir)
    done = hearback(data_dir, "up", "--port", "0", "--detach", "--json", **environment)
    assert done.returncode == 0, done.stderr
    return Fleet(json.loads(done.stdout), data_dir)


def stop_fleet(fleet: Fleet) -> None:
    """Stop a fleet."""
    fleet.close()
    fleet.command("down")


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    """One fleet for all black-box tests of the session."""
    with tempfile.TemporaryDirectory(prefix="hearback-fleet-") as folder:
        Path(folder).chmod(0o755)
        # All tests' projects have one owner, whose mails of a minute would otherwise become a digest.
        running = start_fleet(Path(folder) / "data", NOTIFIER_BURST_PER_MINUTE="10000", **SHORT_MOMENTS)
        yield running
        stop_fleet(running)


@pytest.fixture
def project(fleet: Fleet) -> Fleet:
    """A fresh project of the shared fleet."""
    return fleet.new_project()


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    """`eventually`, for tests that cannot import this file."""
    return eventually


@pytest.fixture(scope="session")
def fleet_starter() -> tuple[Callable[..., Fleet], Callable[[Fleet], None]]:
    """How to start and stop a fleet of one's own."""
    return start_fleet, stop_fleet
