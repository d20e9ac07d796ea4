"""Form parsing with size limits, and CSRF protection."""

from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends
from hearback_kit.auth import SESSION_COOKIE, refuse_cross_site
from hearback_kit.errors import BadRequest, Forbidden
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from hearback_web.texts import gettext as _

CSRF_FIELD: Final = "csrf_token"
CSRF_HEADER: Final = "x-csrf-token"
VISITOR_COOKIE: Final = "hearback_visitor"  # CSRF tokens of browsers without a session, as on sign-in
FIELDS_MAX: Final = 500
STALE_FORM: Final = "csrf"  # the code of a form from before its browser signed in or out, or from another site
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"


class Form(ImmutableMultiDict[str, str]):
    """The fields of a submitted form; as a mapping it has the last value of a repeated field."""

    def text(self, name: str, *, length_max: int = 1_000, default: str = "") -> str:
        """Return a field, stripped; raise BadRequest if it is too long."""
        value = self.get(name, default).strip()
        if len(value) > length_max:
            raise BadRequest(_("{} is too long: at most {} characters.").format(name, length_max))
        return value

    def is_on(self, name: str) -> bool:
        """Return whether a checkbox was checked."""
        return self.get(name, "") in {"on", "1", "true"}


async def checked_form(request: Request) -> Form:
    """Parse a form; raise BadRequest if it is none, Forbidden if its CSRF token is missing or wrong."""
    refuse_cross_site(request)
    form = await _read_form(request)
    token = request.headers.get(CSRF_HEADER) or form.get(CSRF_FIELD, "")
    if not request.app.state.pages.csrf.is_valid(csrf_holder(request), token):
        detail = _("It was opened before you signed in or out in this browser. Open it again and repeat the step.")
        raise Forbidden(detail, code=STALE_FORM)
    return form


async def _read_form(request: Request) -> Form:
    body = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and media_type != _MEDIA_TYPE:
        raise BadRequest(_("Send the form as {}.").format(_MEDIA_TYPE))
    try:
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise BadRequest(_("The form has too many fields.")) from None
    return Form(fields)


def csrf_holder(request: Request) -> str:
    """Return what CSRF tokens are bound to: the browser's session, or its visitor cookie."""
    session = request.cookies.get(SESSION_COOKIE)
    return f"session:{session}" if session else f"visitor:{request.cookies.get(VISITOR_COOKIE, '')}"


FormDep = Annotated[Form, Depends(checked_form)]
