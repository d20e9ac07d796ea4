"""Flash messages: shown once after a change, on the next page, with an optional undo button."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from hearback_kit.auth import SESSION_COOKIE
from hearback_kit.signing import Signer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hearback_web.cookies import set_cookie
from hearback_web.links import local_path

FLASH_COOKIE: Final = "hearback_flash"
_SECONDS: Final = 60
_COOKIE_BYTES_MAX: Final = 3_500


@dataclass(frozen=True, slots=True)
class Undo:
    """A form that undoes a change: its URL and fields (a value may be a list)."""

    action: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    label: str = "Undo"


@dataclass(frozen=True, slots=True)
class Flash:
    """A sentence about the change; `tone` is `good`, `warn` or `bad`."""

    text: str
    tone: str = "good"
    undo: Undo | None = None


def read_flash(request: Request, signer: Signer) -> Flash | None:
    """Return the flash message in the cookie, if it was set for this browser."""
    cookie = request.cookies.get(FLASH_COOKIE)
    encoded = signer.read(cookie, _holder(request)) if cookie else None
    if encoded is None:
        return None
    found = orjson.loads(base64.urlsafe_b64decode(encoded))
    return Flash(found["text"], found["tone"], found["undo"] and Undo(**found["undo"]))


def redirect(request: Request, url: str, flash: Flash | None = None) -> Response:
    """Return a redirect after a form, to a page of this site that shows the flash message.

    Requests by htmx get the same; it follows the redirect and uses the target's part.
    """
    answer = RedirectResponse(local_path(url), status_code=303)
    if flash is not None:
        value = orjson.dumps(flash)
        if len(value) > _COOKIE_BYTES_MAX:  # an undo of very many items does not fit in a cookie
            value = orjson.dumps(Flash(flash.text[:500], flash.tone))
        signer: Signer = request.app.state.pages.flashes
        cookie = signer.sign(base64.urlsafe_b64encode(value).decode(), _holder(request))
        set_cookie(answer, FLASH_COOKIE, cookie, seconds=_SECONDS, secure=request.app.state.pages.is_secure)
    return answer


def _holder(request: Request) -> str:
    return request.cookies.get(SESSION_COOKIE, "")
