"""The unsubscribe link of mails: a page for people, one-click POST for mail programs (RFC 8058)."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from hearback_kit.errors import NotFound, ServiceError
from hearback_web.texts import gettext as _

from registry.pages.deps import StateDep, render
from registry.service.set_alerts import find_subscription, unsubscribe
from registry.store.alerts import Subscriber

router = APIRouter(include_in_schema=False)

_PATH = "/unsubscribe/{token}/"
Token = Annotated[str, Path(max_length=200)]


@router.get(_PATH)
async def show(request: Request, state: StateDep, token: Token) -> Response:
    """Show a confirmation form: mail scanners follow links, so GET changes nothing."""
    try:
        found = await find_subscription(state.database, state.unsubscribe_links.read(token))
    except NotFound as error:
        return _not_valid(request, error)
    return _page(request, found, found.alerts)


@router.post(_PATH)
async def post(request: Request, state: StateDep, token: Token) -> Response:
    """Disable the alerts; the signed link authorizes it."""
    try:
        found = await unsubscribe(state.changes, state.unsubscribe_links.read(token))
    except NotFound as error:
        return _not_valid(request, error)
    return _page(request, found, False)


def _page(request: Request, found: Subscriber, alerts: bool) -> Response:
    answer = render(request, "unsubscribe.html", email=found.email, project=found.project_slug, alerts=alerts)
    answer.headers["Referrer-Policy"] = "no-referrer"  # the address is a secret
    return answer


def _not_valid(request: Request, error: ServiceError) -> Response:
    return render(
        request, "message.html", error.status, title=_("Unsubscribe"), text=_("This link is not valid any more.")
    )
