"""Tables that the tests of all pages work through, read from what is generated from the apps' routes.

A new page or operation is in them with the next `make generate`, and so in every test of this kind.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = ROOT / "deploy/docs/page-routes.md"
ROW: Final = re.compile(r"^\| `([^`]+)` \| ([A-Z ]+) \| ([a-z-]+) \|$", re.MULTILINE)
PARAMETER: Final = re.compile(r"\{([a-z_.-]+)(?::path)?\}")
# Pages that anybody may open: they have a secret in their address, or are on the way to a session.
OPEN: Final = re.compile(r"^/(?:auth|accept|unsubscribe)/")


@dataclass(frozen=True, slots=True)
class Address:
    """An address with parameters, and the service that answers there."""

    method: str
    path: str
    service: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        """The names of the path's parameters."""
        return PARAMETER.findall(self.path)

    @property
    def is_open(self) -> bool:
        """Whether a page is for people without a session."""
        return OPEN.match(self.path) is not None

    @property
    def is_stream(self) -> bool:
        """Whether the answer never ends: live updates."""
        return self.path.endswith("/live/")

    def fill(self, known: Mapping[str, str]) -> str:
        """Return the path with values: of `<service>.<name>`, else of `<name>`."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            try:
                return known.get(f"{self.service}.{name}") or known[name]
            except KeyError:
                raise LookupError(f"{self}: say in `World.known` what {name} is of {self.service}") from None

        return PARAMETER.sub(value, self.path)


def pages(*methods: str) -> list[Address]:
    """Return the pages of all services, or those with a method."""
    text = PAGES.read_text()
    found = [
        Address(method, path, service) for path, listed, service in ROW.findall(text) for method in listed.split()
    ]
    assert found, f"{PAGES} lists no page: run `make generate`"
    return [page for page in found if not methods or page.method in methods]


def operations() -> Iterator[Address]:
    """Find every operation of the API in the committed OpenAPI documents, but internal ones."""
    for file in sorted(ROOT.glob("services/**/openapi.json")):
        service = file.parent.name
        if service in {"envelope-gateway", "crash-embed"}:  # ingestion: a DSN is no secret
            continue
        for path, operation in json.loads(file.read_text())["paths"].items():
            if path.startswith("/api/"):
                yield from (Address(method.upper(), path, service) for method in operation)


# What somebody may write into every field. All say MARK, so that a page that shows one is known.
MARK: Final = "hostile"
ALERT: Final = "alert(document.domain)"
HOSTILE: Final = (
    f"<script>{ALERT}</script>{MARK}",
    f'"><img src=x onerror={ALERT}>{MARK}',
    f"'><svg/onload={ALERT}>{MARK}",
    f"</textarea></title></style><script>{ALERT}</script>{MARK}",
    f"javascript:{ALERT}//{MARK}",
    f"{{{{ 7*7 }}}}{{% include 'x' %}}${{7*7}}{MARK}",
    f"<a href='javascript:{ALERT}'>{MARK}</a><iframe srcdoc='<script>{ALERT}</script>'>",
    f"<button hx-get='/' hx-trigger='load' hx-on::load='{ALERT}' data-hx-vals='js:{{a:{ALERT}}}'>{MARK}</button>",
    f"<style>*{{background:url(//evil.invalid/x)}}</style><base href=//evil.invalid/>{MARK}",
    f"\u202e{MARK}\u2066 \u0000".replace("\u0000", ""),
)
SVG: Final = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{ALERT}"><script>{ALERT}</script></svg>'.encode()
HTML: Final = f"<!doctype html><title>x</title><script>{ALERT}</script><img src=x onerror={ALERT}>".encode()


def hostile(number: int) -> str:
    """Return one of the hostile texts; fields take them in turn, so that each text meets many fields."""
    return HOSTILE[number % len(HOSTILE)]
