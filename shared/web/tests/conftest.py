"""A small app with pages, as a service has them, and a browser of httpx that keeps cookies."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, ClassVar

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI, Request
from hearback_contracts.config import MemberRef, OrganizationConfig, ProjectConfig, ProjectRef
from hearback_fleet.access import EVENT_READ, PROJECT_WRITE
from hearback_kit.app import create_service_app
from hearback_kit.auth import SESSION_COOKIE, Principal
from hearback_kit.errors import Conflict, NotFound, TooManyRequests, Unavailable
from hearback_kit.settings import ServiceSettings
from hearback_web import (
    Flash,
    FormDep,
    Pages,
    PageScope,
    ProjectPageScope,
    Undo,
    page_scope,
    project_page_scope,
    redirect,
)
from hearback_web.errors import ErrorPage
from pydantic_settings import SettingsConfigDict
from starlette.responses import Response

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SITE = "http://hearback.example"


class Settings(ServiceSettings):
    """Settings of the small app."""

    model_config = SettingsConfigDict(env_prefix="DEMO_")
    service: ClassVar[str] = "demo"


class FixedClock:
    """It is always the same moment."""

    def now(self) -> datetime:
        return NOW


OWNER_SCOPES = frozenset({"event:read", "project:write"})
PEOPLE = {
    "owner-session": Principal("session", "1", "ana@example.com", {1: "owner"}, OWNER_SCOPES),
    "viewer-session": Principal("session", "2", "vic@example.com", {1: "viewer"}, frozenset({"event:read"})),
    "stranger-session": Principal("session", "3", "eve@example.com", {2: "owner"}, frozenset({"event:read"})),
}
ACME = OrganizationConfig(
    id=1,
    slug="acme",
    name="Acme",
    projects=(ProjectRef(id=7, slug="web"),),
    members=(MemberRef(id=1, email="ana@example.com", name="Ana Ruiz"),),
)
OTHER = OrganizationConfig(id=2, slug="other", name="Other", projects=(ProjectRef(id=8, slug="app"),))
PROJECTS = {
    7: ProjectConfig(id=7, slug="web", name="Web", organization_id=1, organization_slug="acme"),
    8: ProjectConfig(id=8, slug="app", name="App", organization_id=2, organization_slug="other"),
}


class Directory:
    """Two organizations with a project each."""

    async def organization(self, id_or_slug: int | str) -> OrganizationConfig | None:
        return next((one for one in (ACME, OTHER) if id_or_slug in {one.id, str(one.id), one.slug}), None)

    async def organization_for(self, id_or_slug: int | str, email: str) -> OrganizationConfig | None:
        return await self.organization(id_or_slug)

    async def organizations_for(self, ids: Sequence[int], email: str) -> Sequence[OrganizationConfig]:
        return [one for one in (ACME, OTHER) if one.id in ids]

    async def project(self, project_id: int) -> ProjectConfig | None:
        return PROJECTS.get(project_id)


class Sessions:
    """Knows people by their cookie."""

    async def person(self, request: Request) -> Principal | None:
        found = PEOPLE.get(request.cookies.get(SESSION_COOKIE, ""))
        return found if found is not None and found.kind == "session" else None


@dataclass
class DemoAccess:
    """What the guard of the small app asks."""

    configuration: Directory = field(default_factory=Directory)
    authenticator: Sessions = field(default_factory=Sessions)


PAGES = Pages(service="demo", package="hearback_web")
router = APIRouter(include_in_schema=False)
Reader = Annotated[PageScope, page_scope(*EVENT_READ)]
ProjectWriter = Annotated[ProjectPageScope, project_page_scope(*PROJECT_WRITE)]


@router.get("/organizations/{organization}/feedback/")
async def inbox(request: Request, scope: Reader) -> Response:
    block = "error" if "hx-request" in request.headers else None
    return PAGES.render(request, "error.html", block=block, shown=ErrorPage(200, "Inbox", scope.account.label))


@router.post("/organizations/{organization}/feedback/")
async def change(request: Request, scope: Reader, form: FormDep) -> Response:
    undo = Undo(request.url.path, {"id": form.getlist("id"), "to": "unresolved"})
    return redirect(request, form.text("next", default="/"), Flash("Resolved <b>2</b>.", undo=undo))


@router.get("/settings/{organization}/projects/{project}/alerts/")
async def settings_page(request: Request, scope: ProjectWriter) -> Response:
    return PAGES.render(request, "error.html", shown=ErrorPage(200, scope.project.name, ""))


@router.get("/organizations/{organization}/stats/")
async def crash(scope: Reader, number: int = 1) -> Response:
    raise RuntimeError("a secret of the code")


@router.get("/organizations/{organization}/user-feedback/")
async def fail(kind: str) -> Response:
    raise {
        "outage": Unavailable("http://127.0.0.1:4321 cannot be reached"),
        "busy": Unavailable("Too many people sign in at the moment; try again."),
        "limit": TooManyRequests("Try again in 7 s."),
        "gone": NotFound(),
    }[kind]


@router.get("/organizations/{organization}/components/")
async def components(request: Request, scope: Reader) -> Response:
    return PAGES.render(request, "demo.html")


@router.post("/organizations/{organization}/stats/")
async def conflict(scope: Reader, form: FormDep) -> Response:
    raise Conflict("Someone else <changed> this.")


@router.get("/auth/login/")
async def login(request: Request) -> Response:
    return PAGES.render(request, "error.html", shown=ErrorPage(200, "Sign in", ""))


@router.post("/auth/login/")
async def signs_in(request: Request, form: FormDep) -> Response:
    return redirect(request, form.text("next", default="/"))


@router.get("/api/0/thing/")
async def api() -> Response:
    raise Conflict


@pytest.fixture
def app() -> FastAPI:
    settings = Settings(secret_key="a secret of tests, long enough to be one", public_url=SITE)
    app = create_service_app(settings, title="Demo", description="Demo.", lifespan=None)  # type: ignore[arg-type]
    PAGES.install(app, settings, clock=FixedClock())
    app.include_router(router)
    app.state.access = DemoAccess()
    return app


@pytest_asyncio.fixture
async def visitor(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a session."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE) as client:
        yield client


@pytest.fixture
def browser(visitor: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser of an owner."""
    visitor.cookies.set(SESSION_COOKIE, "owner-session")
    return visitor
