"""Put the registry together: the HTTP app and the worker."""

from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import FastAPI
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_kit.auth import Authenticator
from hearback_kit.clock import Clock
from hearback_kit.limits import LimitBatches
from hearback_kit.mail import MailFolder, MailTransport, SmtpServer
from hearback_kit.snapshots import SnapshotStore
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
from registry.api.deps import AppState
from registry.jobs.cleanup import Cleanup
from registry.pages import invitations as invitation_pages
from registry.pages import unsubscriptions as unsubscription_pages
from registry.service.accept_invitation import Invitations
from registry.service.change_configuration import Changes
from registry.service.deliver_mails import MailDelivery
from registry.service.hash_passwords import Passwords
from registry.service.introspect_secrets import Introspection
from registry.service.invite_member import InvitationRules
from registry.service.publish_snapshots import Publisher
from registry.service.set_alerts import UnsubscribeLinks
from registry.service.sign_in import AttemptLimits, SignIn
from registry.settings import Settings

_VALKEY_SECONDS_MAX = 1.0  # a change waits no longer for Valkey; the worker publishes it then
_ROUTERS = tuple(
    module.router
    for module in (
        sessions, users, organizations, audit_logs, projects, keys, quotas, members, invitations, tokens, internal,
        invitation_pages, unsubscription_pages,
    )
)  # fmt: skip


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Make the HTTP app. It needs PostgreSQL; Valkey may be away."""
    app = service_app(
        settings,
        title="Hearback registry",
        description="Organizations, projects, keys, options, flags, quotas, members, tokens and sessions.",
        build=lambda runtime: _state(settings, runtime),
        clock=clock,
        authenticates=False,
    )
    for router in _ROUTERS:
        app.include_router(router)
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Make the worker: it publishes what could not be published at once, delivers mails, and cleans up."""

    def build(runtime: ServiceRuntime) -> None:
        transport = _mail_transport(settings)
        runtime.on_close(transport.close)
        delivery = MailDelivery(
            runtime.database,
            transport,
            runtime.clock,
            sender=settings.mail_from,
            host=urlsplit(settings.public_url).hostname or "localhost",
        )
        cleanup = Cleanup(
            runtime.database,
            runtime.clock,
            audit_days=settings.audit_days,
            unused_account_days=settings.unused_account_days,
        )
        runtime.every("publish", settings.publish_seconds, _publisher(settings, runtime).keep_published)
        runtime.every("mails", settings.mail_seconds, delivery.deliver_due)
        runtime.every("cleanup", settings.cleanup_seconds, cleanup.run)

    return service_worker(settings, build=build, clock=clock)


def _mail_transport(settings: Settings) -> MailTransport:
    if settings.smtp_url is None:
        return MailFolder(settings.data_dir / "mail")
    return SmtpServer(settings.smtp_url.get_secret_value(), connections_max=1)


def _publisher(settings: Settings, runtime: ServiceRuntime) -> Publisher:
    store = SnapshotStore(runtime.valkey(timeout_seconds=_VALKEY_SECONDS_MAX))
    return Publisher(runtime.database, store, batch_max=settings.publish_batch_max)


def _state(settings: Settings, runtime: ServiceRuntime) -> AppState:
    database, clock = runtime.database, runtime.clock
    counters = LimitBatches(runtime.resp_connection(answer_seconds_max=_VALKEY_SECONDS_MAX), clock)
    passwords = Passwords(settings.passwords_at_once_max, settings.passwords_waiting_max)
    attempts = AttemptLimits(
        per_address=settings.login_attempts_per_address,
        per_account_and_address=settings.login_attempts_per_minute,
        per_account=settings.login_attempts_per_account,
    )
    sign_in = SignIn(database, passwords, counters, clock, attempts, timedelta(days=settings.session_days))
    changes = Changes(database, _publisher(settings, runtime), clock)
    introspection = Introspection(database, clock)
    return AppState(
        settings=settings,
        clock=clock,
        database=database,
        changes=changes,
        sign_in=sign_in,
        invitations=Invitations(database, changes, sign_in),
        invitation_rules=InvitationRules(
            duration=timedelta(days=settings.invitation_days),
            members_max=settings.members_max,
            per_hour=settings.invitations_per_hour,
            mailed=settings.smtp_url is not None,
            public_url=settings.public_url,
        ),
        introspection=introspection,
        # A token that was revoked here is refused here at once.
        authenticator=Authenticator(introspection, fresh_seconds=0, stale_seconds=0),
        unsubscribe_links=UnsubscribeLinks(settings.secret_key.get_secret_value(), settings.public_url),
        proxies=settings.address_reader(),
    )
