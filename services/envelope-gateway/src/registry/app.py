"""Put the registry together: the HTTP app and the worker."""

from functools import partial
from urllib.parse import urlsplit

from fastapi import FastAPI
from hearback_contracts.streams import AUDIT_ENTRY_RECORDED
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_kit.clock import Clock
from hearback_kit.mail import mail_transport
from hearback_kit.worker import Worker

from registry.api import (
    audit_logs,
    internal,
    invitations,
    keys,
    members,
    organizations,
    projects,
    quotas,
    sessions,
    tokens,
    users,
)
from registry.api.outside_requests import OutsideRequestLimit
from registry.consumers.audit_entry_recorded import handle_audit_entry_recorded
from registry.jobs.cleanup import clean_up
from registry.pages import PAGE_ROUTERS
from registry.pages.deps import PAGES
from registry.service.app_state import AppState, assemble_app, publisher
from registry.service.deliver_mails import MailDelivery
from registry.settings import Settings

_ROUTERS = tuple(
    module.router
    for module in (
        sessions, users, organizations, audit_logs, projects, keys, quotas, members, invitations, tokens, internal,
    )
)  # fmt: skip


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Return the HTTP app. It needs PostgreSQL, but works without Valkey."""

    def build(runtime: ServiceRuntime) -> AppState:
        state = assemble_app(settings, runtime)
        app.state.access = state.access
        return state

    app = service_app(
        settings,
        title="Hearback registry",
        description="Organizations, projects, keys, options, flags, quotas, members, tokens and sessions.",
        build=build,
        clock=clock,
        authenticates=False,
    )
    for router in (*_ROUTERS, *PAGE_ROUTERS):
        app.include_router(router)
    PAGES.install(app, settings, clock=clock)
    # It authenticates the tokens of all services: requests from outside must not keep it from that.
    app.add_middleware(
        OutsideRequestLimit, at_once_max=settings.requests_at_once_max, waiting_max=settings.requests_waiting_max
    )
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Return the worker: it publishes pending snapshots, delivers mails, cleans up, and keeps the audit log.

    What of it needs Valkey waits for it, and nothing else does: it is ready without.
    """

    def build(runtime: ServiceRuntime) -> None:
        transport = mail_transport(settings.smtp_url, settings.data_dir, connections_max=1)
        runtime.on_close(transport.close)
        delivery = MailDelivery(
            runtime.database,
            transport,
            runtime.clock,
            sender=settings.mail_from,
            host=urlsplit(settings.public_url).hostname or "localhost",
        )
        cleaning = partial(clean_up, runtime.database, runtime.clock, settings)
        record = partial(handle_audit_entry_recorded, runtime.database)
        runtime.consume(AUDIT_ENTRY_RECORDED, record, batch_max=settings.audit_batch_max, requires_valkey=False)
        runtime.every("publish", settings.publish_seconds, publisher(settings, runtime).keep_published)
        runtime.every("mails", settings.mail_seconds, delivery.deliver_due)
        runtime.every("cleanup", settings.cleanup_seconds, cleaning)

    return service_worker(settings, build=build, clock=clock)
