"""The pages of one service: templates, static files, errors."""

import gzip
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from hearback_kit.auth import SESSION_COOKIE
from hearback_kit.clock import Clock, SystemClock
from hearback_kit.errors import ServiceError
from hearback_kit.settings import ServiceSettings
from hearback_kit.signing import Signer
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hearback_web import navigation
from hearback_web.compiled import CompiledTemplates
from hearback_web.context import THEME_COOKIE, ZONE_COOKIE, PageContext, known_theme, known_zone
from hearback_web.cookies import delete_cookie, set_cookie
from hearback_web.csrf import CsrfTokens
from hearback_web.errors import ErrorPage, explanation_of, install_error_pages
from hearback_web.filters import FILTERS
from hearback_web.flashes import FLASH_COOKIE, read_flash
from hearback_web.forms import VISITOR_COOKIE, csrf_holder
from hearback_web.policies import content_security_policy
from hearback_web.static_files import StaticFiles
from hearback_web.texts import TRANSLATIONS, script_texts

_COMPRESS_BYTES_MIN: Final = 1_024
_COMPRESS_LEVEL: Final = 4
_VISITOR_SECONDS: Final = 86_400
# What compiled templates depend on, apart from their sources.
_SYNTAX: Final[Mapping[str, Any]] = {
    "autoescape": True,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "extensions": ["jinja2.ext.i18n"],
}


@dataclass(frozen=True, slots=True)
class InstalledPages:
    """The state of an app's pages (`app.state.pages`)."""

    environment: Environment
    static: StaticFiles
    csrf: CsrfTokens
    flashes: Signer
    clock: Clock
    is_secure: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a service: `service` is its name in URLs, `package` has its `templates` and `static`."""

    service: str
    package: str

    def install(self, app: FastAPI, settings: ServiceSettings, *, clock: Clock | None = None) -> None:
        """Serve the static files, and render errors on page paths as pages. Call it after `service_app`."""
        static, environment = _read(self.service, self.package)
        secret = settings.secret_key.get_secret_value()
        app.state.pages = InstalledPages(
            environment,
            static,
            CsrfTokens(secret),
            Signer(secret, "hearback flash"),
            clock or SystemClock(),
            settings.public_url.startswith("https:"),
        )
        router = APIRouter(include_in_schema=False)
        router.add_api_route(f"/static/{self.service}/{{digest}}/{{name:path}}", static.serve)
        app.include_router(router)
        install_error_pages(app, self._render_error)

    def render(
        self,
        request: Request,
        template: str,
        status: int = 200,
        *,
        error: ServiceError | None = None,
        block: str | None = None,
        csp: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """Render a page, or only a block of its template, for htmx; `csp` replaces directives of the policy.

        A page with an `error` has its status and headers, and its detail as `problem`.
        """
        if error is not None:
            status = error.status
        installed: InstalledPages = request.app.state.pages
        page, visitor = _context(request, installed)
        page = replace(page, is_fragment=block is not None, flash=None if block else page.flash)
        made = installed.environment.get_template(template)
        values = {
            "request": request,
            "problem": explanation_of(status, error.detail) if error else None,
            **values,
            "page": page,
        }
        text = made.render(values) if block is None else "".join(made.blocks[block](made.new_context(values)))
        headers = {"Content-Security-Policy": content_security_policy(page.nonce, csp)}
        headers |= error.headers if error else {}
        if csp and csp.get("frame-ancestors") == "'self'":
            headers["X-Frame-Options"] = "SAMEORIGIN"
        content = text.encode()
        if len(content) >= _COMPRESS_BYTES_MIN and "gzip" in request.headers.get("accept-encoding", ""):
            content = gzip.compress(content, _COMPRESS_LEVEL)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        answer = HTMLResponse(content, status, headers)
        if visitor:
            set_cookie(answer, VISITOR_COOKIE, visitor, seconds=_VISITOR_SECONDS, secure=installed.is_secure)
        if page.flash:
            delete_cookie(answer, FLASH_COOKIE)
        return answer

    def _render_error(self, request: Request, error: ErrorPage) -> Response:
        block = "error" if "hx-request" in request.headers else None
        return self.render(request, "error.html", error.status, block=block, shown=error)


def _context(request: Request, installed: InstalledPages) -> tuple[PageContext, str | None]:
    """Return the page's context, and the visitor cookie to set for the forms of a browser without a session."""
    state, cookies = request.state, request.cookies
    holder, visitor = csrf_holder(request), None
    if SESSION_COOKIE not in cookies and VISITOR_COOKIE not in cookies:
        visitor = secrets.token_urlsafe(24)
        holder = f"visitor:{visitor}"
    page = PageContext(
        path=request.url.path,
        query=request.url.query,
        nonce=secrets.token_urlsafe(16),
        csrf_token=installed.csrf.make(holder),
        now=installed.clock.now(),
        zone=known_zone(cookies.get(ZONE_COOKIE)),
        theme=known_theme(cookies.get(THEME_COOKIE)),
        account=getattr(state, "page_account", None),
        organization=getattr(state, "page_organization", None),
        organizations=getattr(state, "page_organizations", ()),
        scopes=getattr(state, "page_scopes", frozenset()),
        flash=read_flash(request, installed.flashes),
    )
    return page, visitor


@cache
def _read(service: str, package: str) -> tuple[StaticFiles, Environment]:
    """Return the static files and templates of a service, loaded once per process."""
    own, shared = _folder(package), _folder("hearback_web")
    static = StaticFiles.load(service, own / "static", shared / "static")
    environment = environment_of(package)
    environment.globals.update(
        static=static.url,
        script_texts=script_texts,
        sections=navigation.sections,
        organization_settings=navigation.organization_settings,
        project_settings=navigation.project_settings,
    )
    environment.globals["ui"] = environment.get_template("components.html").module
    return static, environment


def environment_of(package: str) -> Environment:
    """Return the environment of a service's and the shared templates, without globals."""
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(_folder(name) / "templates") for name in (package, "hearback_web")]),
        undefined=StrictUndefined,
        auto_reload=False,
        bytecode_cache=CompiledTemplates(_SYNTAX),
        **_SYNTAX,
    )
    environment.install_gettext_translations(TRANSLATIONS, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(FILTERS)
    return environment


def _folder(package: str) -> Path:
    return Path(str(files(package)))
