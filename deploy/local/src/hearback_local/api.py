"""The fleet's public API, as the commands use it."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from hearback_local.place import FleetPlace
from hearback_local.running import FleetError, answer_of, state_of

TIMEOUT_SECONDS = 30.0
PAGES_MAX = 100


class Api:
    """Calls with the token of one organization.

    Every method raises FleetError with the API's own words when it refuses.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def find(self, path: str) -> Any:
        """The JSON of a GET, or None for a 404."""
        try:
            return self._send("GET", path, None)[0]
        except _NotFoundError:
            return None

    def get(self, path: str) -> Any:
        """The JSON of a GET."""
        return self._send("GET", path, None)[0]

    def get_all(self, path: str) -> list[Any]:
        """Every page of a list."""
        rows: list[Any] = []
        target: str | None = path
        for _ in range(PAGES_MAX):
            if target is None:
                break
            page, link = self._send("GET", target, None)
            rows += page
            target = _next_page(link)
        return rows

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of the answer to a change; None when it has no body."""
        return self._send(method, path, body)[0]

    def _send(self, method: str, path: str, body: Any) -> tuple[Any, str]:
        url = path if path.startswith("http") else self._url + path
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                content = answer.read()
                return (json.loads(content) if content else None), answer.headers.get("Link", "")
        except urllib.error.HTTPError as error:
            with error:
                problem = _detail_of(error.read())
            kind = _NotFoundError if error.code == 404 else FleetError
            raise kind(f"{method} {path}: {error.code} {problem}") from error
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise FleetError(f"{method} {url}: {error}") from error


class _NotFoundError(FleetError):
    pass


def _detail_of(body: bytes) -> str:
    try:
        content = json.loads(body)
    except ValueError:
        return body[:200].decode(errors="replace")
    return str(content.get("detail", content)) if isinstance(content, dict) else str(content)


def _next_page(link: str) -> str | None:
    for part in link.split(","):
        if 'rel="next"' in part and 'results="true"' in part:
            return part[part.index("<") + 1 : part.index(">")]
    return None


def quoted(part: str) -> str:
    """One part of a path."""
    return urllib.parse.quote(part, safe="")


class Access:
    """The organizations and projects this folder knows, with the tokens it was given."""

    def __init__(self, place: FleetPlace) -> None:
        self._url = state_of(place)["url"]
        self.default = answer_of(place)
        self._known = [self.default, *place.read_projects()]

    def projects(self) -> list[tuple[str, str]]:
        """Organization and project of each."""
        return list(dict.fromkeys((known["organization"], known["project"]) for known in self._known))

    def api(self, organization: str | None = None) -> Api:
        """The API with the token of an organization; of the first one without a name.

        Raises:
            FleetError: No token of that organization is kept here.
        """
        wanted = organization or self.default["organization"]
        for known in self._known:
            if known["organization"] == wanted:
                return Api(self._url, known["token"])
        raise FleetError(f"no token of the organization {wanted} is kept in this folder")
