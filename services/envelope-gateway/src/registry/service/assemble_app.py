"""Assemble the use cases of the HTTP app from its settings and what it runs on."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hearback_fleet.runtime import ServiceRuntime
from hearback_kit.auth import Authenticator
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.limits import LimitBatches
from hearback_kit.snapshots import SnapshotStore
from hearback_kit.values.addresses import TrustedProxies

from registry.service.accept_invitation import Invitations
from registry.service.change_configuration import Changes
from registry.service.hash_passwords import Passwords
from registry.service.introspect_secrets import Introspection
from registry.service.invite_member import InvitationRules
from registry.service.publish_snapshots import Publisher
from registry.service.set_alerts import UnsubscribeLinks
from registry.service.sign_in import AttemptLimits, SignIn
from registry.settings import Settings

_VALKEY_SECONDS_MAX: Final = 1.0  # a change waits no longer for Valkey; the worker publishes it then


@dataclass(frozen=True, slots=True)
class AppState:
    """What the app holds while it runs (`app.state.state`)."""

    settings: Settings
    clock: Clock
    database: Database
    changes: Changes
    sign_in: SignIn
    invitations: Invitations
    invitation_rules: InvitationRules
    introspection: Introspection
    authenticator: Authenticator
    unsubscribe_links: UnsubscribeLinks
    proxies: TrustedProxies


def assemble_app(settings: Settings, runtime: ServiceRuntime) -> AppState:
    """Return what the HTTP app holds while it runs."""
    database, clock = runtime.database, runtime.clock
    counters = LimitBatches(runtime.resp_connection(answer_seconds_max=_VALKEY_SECONDS_MAX), clock)
    passwords = Passwords(settings.passwords_at_once_max, settings.passwords_waiting_max)
    attempts = AttemptLimits(
        per_address=settings.login_attempts_per_address,
        per_account_and_address=settings.login_attempts_per_minute,
        per_account=settings.login_attempts_per_account,
    )
    sign_in = SignIn(database, passwords, counters, clock, attempts, timedelta(days=settings.session_days))
    changes = Changes(database, publisher(settings, runtime), clock)
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


def publisher(settings: Settings, runtime: ServiceRuntime) -> Publisher:
    """Return what publishes snapshots."""
    store = SnapshotStore(runtime.valkey(timeout_seconds=_VALKEY_SECONDS_MAX))
    return Publisher(runtime.database, store, batch_max=settings.publish_batch_max)
