"""A client of the fleet's public API."""

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet import bootstrap
from hearback_local.fleet.projects import parse_slugs
from hearback_local.fleet.state import find_answer, ready_state

TIMEOUT_SECONDS = 30.0
PAGES_MAX = 100


class NotThere(FleetError):
    """The API answered 404."""


class TokenRefused(FleetError):
    """The token stored in the data directory is no longer valid."""

    def __init__(self, organization: str) -> None:
        super().__init__(
            f"the token of {organization} kept in this folder is no longer valid; "
            f"`hearback project create {organization}/PROJECT` with an existing project gets a new one"
        )


class Api:
    """Calls the API with the token of one organization.

    Every method raises FleetError with the API's message on errors; NotThere and TokenRefused are subclasses.
    """

    def __init__(self, url: str, organization: str, token: str) -> None:
        self._url = url
        self._organization = organization
        self._token = token
        # A proxy of the environment is for the outside; it cannot reach this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def find(self, path: str) -> Any:
        """Return the JSON of a GET, or None for a 404."""
        try:
            return self.get(path)
        except NotThere:
            return None

    def get(self, path: str) -> Any:
        return self.send("GET", path)

    def get_all(self, path: str, *, rows_max: int | None = None) -> list[Any]:
        """Return the rows of a paginated list, at most `rows_max` and PAGES_MAX pages."""
        rows: list[Any] = []
        target: str | None = path
        for _ in range(PAGES_MAX):
            if target is None or (rows_max is not None and len(rows) >= rows_max):
                break
            page, link = self._send("GET", target, None)
            rows += page
            target = _next_page(link)
        return rows[:rows_max]

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; return the JSON response, or None if it is empty."""
        return self._send(method, path, body)[0]

    def _send(self, method: str, path: str, body: Any) -> tuple[Any, str]:
        url = path if path.startswith("http") else self._url + path
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                content = answer.read()
                return (json.loads(content) if content else None), answer.headers.get("Link", "")
        except urllib.error.HTTPError as error:
            with error:
                problem = bootstrap.detail_of(error.read())
            if error.code == 401:
                raise TokenRefused(self._organization) from error
            kind = NotThere if error.code == 404 else FleetError
            raise kind(f"{method} {path}: {error.code} {problem}") from error
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise FleetError(f"{method} {url}: {error}") from error


def _next_page(link: str) -> str | None:
    for part in link.split(","):
        if 'rel="next"' in part and 'results="true"' in part:
            return part[part.index("<") + 1 : part.index(">")]
    return None


def quoted(part: str) -> str:
    """Return a path segment, percent-encoded."""
    return urllib.parse.quote(part, safe="")


def project_path(organization: str, project: str) -> str:
    """Return the path of a project."""
    return f"/api/0/projects/{quoted(organization)}/{quoted(project)}/"


class Access:
    """The organizations and projects in the data directory, with their tokens."""

    def __init__(self, data_dir: DataDir) -> None:
        state = ready_state(data_dir)
        self._url = state["url"]
        self._environment = state["environment"]
        self._known = [known for known in (find_answer(data_dir), *data_dir.read_projects()) if known]
        # The last one wins: creating a project again gets a new token for its organization.
        self._tokens = {known["organization"]: known["token"] for known in self._known}

    def call_registry(self, path: str, content: dict[str, Any]) -> Any:
        """Send a signed POST to the registry, as the operator; return the JSON response."""
        return json.loads(asyncio.run(bootstrap.call(self._environment, path, content)))

    def projects(self) -> list[tuple[str, str]]:
        """Return the (organization, project) pairs."""
        return list(dict.fromkeys((known["organization"], known["project"]) for known in self._known))

    def api(self, organization: str) -> Api:
        """Return the API with the token of an organization.

        Raises FleetError if there is no token of it.
        """
        if organization not in self._tokens:
            known = ", ".join(self._tokens) or "none"
            raise FleetError(f"this folder has no token of the organization {organization}, only of: {known}")
        return Api(self._url, organization, self._tokens[organization])

    def find_project(self, slugs: str) -> dict[str, Any]:
        """Return the project `ORGANIZATION/PROJECT`. Raises FleetError if there is none."""
        organization, project = parse_slugs(slugs)
        found: dict[str, Any] | None = self.api(organization).find(project_path(organization, project))
        if found is None:
            raise FleetError(f"there is no project {slugs}")
        return found

    def every_api(self) -> Iterator[Api]:
        """Yield the API of each known organization."""
        return (self.api(organization) for organization in self._tokens)
