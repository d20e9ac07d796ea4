"""What the routes and pages of the running app work with, assembled from the settings and the runtime."""

from dataclasses import dataclass
from typing import Final

from hearback_fleet.runtime import ServiceRuntime
from hearback_kit.auth import Authenticator, Principal
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.errors import Unauthorized
from hearback_kit.limits import LimitBatches
from hearback_kit.snapshots import SnapshotStore

from registry.clients.openid_provider import Client, OpenIdProvider
from registry.service.accept_invitation import Invitations
from registry.service.change_configuration import Changes
from registry.service.hash_passwords import Passwords
from registry.service.introspect_secrets import Introspection
from registry.service.publish_snapshots import Publisher
from registry.service.read_configuration import StoredConfiguration
from registry.service.set_alerts import UnsubscribeLinks
from registry.service.sign_in import SignIn
from registry.service.sign_in_by_provider import ProviderSignIn
from registry.settings import Settings
from registry.store.users import User, find_user

_VALKEY_SECONDS_MAX: Final = 1.0  # a change waits no longer for Valkey; the worker publishes it then


@dataclass(frozen=True, slots=True)
class PageAccess:
    """The look-ups of the page guard (`app.state.access`)."""

    configuration: StoredConfiguration
    authenticator: Authenticator


@dataclass(frozen=True, slots=True)
class AppState:
    """The state of the running app (`app.state.state`)."""

    settings: Settings
    clock: Clock
    database: Database
    changes: Changes
    sign_in: SignIn
    invitations: Invitations
    provider_sign_in: ProviderSignIn | None
    introspection: Introspection
    access: PageAccess
    unsubscribe_links: UnsubscribeLinks

    async def account(self, principal: Principal) -> User:
        """Return the account of a caller; raise Unauthorized if it was deleted."""
        found = await self.database.read(find_user, int(principal.id))
        if found is None:
            raise Unauthorized
        return found


def assemble_app(settings: Settings, runtime: ServiceRuntime) -> AppState:
    """Build the state of the HTTP app."""
    database, clock = runtime.database, runtime.clock
    counters = LimitBatches(runtime.resp_connection(answer_seconds_max=_VALKEY_SECONDS_MAX), clock)
    passwords = Passwords(settings.passwords_at_once_max, settings.passwords_waiting_max)
    sign_in = SignIn(database, passwords, counters, clock, settings)
    changes = Changes(database, publisher(settings, runtime), clock, settings)
    introspection = Introspection(database, clock)
    # A token that was revoked here is refused here at once.
    authenticator = Authenticator(introspection, fresh_seconds=0, stale_seconds=0)
    return AppState(
        settings=settings,
        clock=clock,
        database=database,
        changes=changes,
        sign_in=sign_in,
        invitations=Invitations(changes, sign_in),
        provider_sign_in=_provider_sign_in(settings, runtime, sign_in),
        introspection=introspection,
        access=PageAccess(StoredConfiguration(database), authenticator),
        unsubscribe_links=UnsubscribeLinks(settings.secret_key.get_secret_value(), settings.public_url),
    )


def _provider_sign_in(settings: Settings, runtime: ServiceRuntime, sign_in: SignIn) -> ProviderSignIn | None:
    if not settings.oidc_issuer:
        return None
    client = Client(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret.get_secret_value(),
        f"{settings.public_url.rstrip('/')}/auth/oidc/callback/",
    )
    provider = OpenIdProvider(client)
    runtime.on_close(provider.close)
    return ProviderSignIn(provider, runtime.database, sign_in, runtime.clock, settings)


def publisher(settings: Settings, runtime: ServiceRuntime) -> Publisher:
    """Return the publisher of snapshots."""
    store = SnapshotStore(runtime.valkey(timeout_seconds=_VALKEY_SECONDS_MAX))
    return Publisher(runtime.database, store, batch_max=settings.publish_batch_max)
