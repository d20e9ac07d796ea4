"""The link in a mail that switches off alerts: a page for people, and one click for mail programs (RFC 8058)."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse
from hearback_kit.errors import NotFound, ServiceError

from registry.pages.deps import StateDep, render
from registry.service.set_alerts import find_subscription, unsubscribe

router = APIRouter(include_in_schema=False)

_PATH = "/unsubscribe/{token}/"
Token = Annotated[str, Path(max_length=200)]


@router.get(_PATH)
async def show(state: StateDep, token: Token) -> HTMLResponse:
    try:
        found = await find_subscription(state.database, state.unsubscribe_links.read(token))
    except NotFound as error:
        return _not_valid(error)
    return render("unsubscribe.html", email=found.email, project=found.project_slug, alerts=found.alerts)


@router.post(_PATH)
async def post(state: StateDep, token: Token) -> HTMLResponse:
    try:
        found = await unsubscribe(state.changes, state.database, state.unsubscribe_links.read(token))
    except NotFound as error:
        return _not_valid(error)
    return render("unsubscribe.html", email=found.email, project=found.project_slug, alerts=False)


def _not_valid(error: ServiceError) -> HTMLResponse:
    return render("message.html", error.status, title="Unsubscribe", text="This link is not valid any more.")
