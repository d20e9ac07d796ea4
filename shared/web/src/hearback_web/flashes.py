"""What a page says after a change: once, on the next page, with a button that takes the change back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson
from hearback_kit.auth import SESSION_COOKIE
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hearback_web.links import local_path
from hearback_web.signing import Signer

FLASH_COOKIE: Final = "hearback_flash"
_SECONDS: Final = 60
_COOKIE_BYTES_MAX: Final = 3_500


@dataclass(frozen=True, slots=True)
class Undo:
    """A form that takes a change back: where it is posted, and its fields (a value may be a list)."""

    action: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    label: str = "Undo"


@dataclass(frozen=True, slots=True)
class Flash:
    """One sentence about what was done; `tone` is `good`, `warn` or `bad`."""

    text: str
    tone: str = "good"
    undo: Undo | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as scripts and the cookie have it."""
        return asdict(self)


def read_flash(request: Request, signer: Signer) -> Flash | None:
    """Return what the page before wanted to have said here, if it was for this browser."""
    cookie = request.cookies.get(FLASH_COOKIE)
    raw = signer.read(cookie, _holder(request)) if cookie else None
    if raw is None:
        return None
    found = orjson.loads(raw)
    return Flash(found["text"], found["tone"], found["undo"] and Undo(**found["undo"]))


def redirect(request: Request, url: str, flash: Flash | None = None) -> Response:
    """Answer a form: go to a page of this site, which says what was done.

    A request of htmx is answered the same way; it follows and takes the new page's part.
    """
    answer = RedirectResponse(local_path(url), status_code=303)
    if flash is not None:
        value = orjson.dumps(flash.as_json())
        if len(value) > _COOKIE_BYTES_MAX:  # an undo of very many is not worth a cookie that breaks
            value = orjson.dumps(Flash(flash.text[:500], flash.tone).as_json())
        signer: Signer = request.app.state.pages.signer
        answer.set_cookie(
            FLASH_COOKIE,
            signer.sign(value, _holder(request)),
            max_age=_SECONDS,
            path="/",
            httponly=True,
            samesite="lax",
            secure=request.app.state.pages.is_secure,
        )
    return answer


def with_toast(answer: Response, flash: Flash) -> Response:
    """Let a script show what was done, beside the fragment that htmx takes."""
    answer.headers["HX-Trigger"] = json.dumps({"toast": flash.as_json()})  # ASCII, as headers are
    return answer


def _holder(request: Request) -> str:
    return request.cookies.get(SESSION_COOKIE, "")
