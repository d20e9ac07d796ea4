"""Sign in by an OpenID provider.

The provider verifies an address, which identifies the account; for an invited person an account is created. No
membership is created. An account that had only claimed the address is taken over by the verified person: its
password, sessions and tokens end.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.signing import Signer

from registry import metrics
from registry.clients.openid_provider import Attempt, Identity, OpenIdProvider
from registry.errors import AttemptNotValid, NotAMember
from registry.service.sign_in import Session, SignIn
from registry.settings import Settings
from registry.store import invitations, members, sessions, tokens, users

ATTEMPT_SECONDS_MAX: Final = 600


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session, and the page to redirect to."""

    session: Session
    wanted: str


class ProviderSignIn:
    """Runs the sign-in flow.

    The state of an attempt is in a signed cookie, so a response is valid only in the browser that started it.
    """

    def __init__(
        self, provider: OpenIdProvider, database: Database, sign_in: SignIn, clock: Clock, settings: Settings
    ) -> None:
        self._provider = provider
        self._database = database
        self._sign_in = sign_in
        self._clock = clock
        self._signer = Signer(settings.secret_key.get_secret_value(), "hearback oidc")
        self._issuer = settings.oidc_issuer
        self._domains = frozenset(domain.lower() for domain in settings.oidc_domains)

    async def begin(self, wanted: str) -> tuple[str, str]:
        """Return the provider's URL and the cookie to set; raise Unavailable."""
        attempt = Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))
        expires_at = int(self._clock.now().timestamp()) + ATTEMPT_SECONDS_MAX
        url = await self._provider.authorization_url(attempt)
        values = orjson.dumps([attempt.state, attempt.nonce, attempt.verifier, wanted, expires_at])
        return url, self._signer.sign(base64.urlsafe_b64encode(values).decode())

    async def finish(
        self, cookie: str, *, state: str, code: str, issuer: str | None, address: str | None
    ) -> SignedIn:
        """Start a session; raise AttemptNotValid, ProviderRefused, NotAMember or Unavailable.

        `issuer` is the response's `iss` (RFC 9207), against mix-up attacks.
        """
        attempt, wanted = self._open(cookie)
        if not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise AttemptNotValid
        if issuer is not None and issuer != self._issuer:
            raise AttemptNotValid
        now = self._clock.now()
        identity = await self._provider.identify(code, attempt, now)
        self._check(identity)
        async with self._database.transaction() as connection:
            user_id = await _account(connection, identity, now)
            if user_id is None:
                metrics.LOGINS.labels("refused").inc()
                raise NotAMember
            session = await self._sign_in.add_session(connection, user_id, address, now)
        metrics.LOGINS.labels("accepted").inc()
        return SignedIn(session, wanted)

    def _check(self, identity: Identity) -> None:
        if not identity.email_verified:
            raise NotAMember("The provider has not verified your e-mail address.")
        if self._domains and identity.email.rpartition("@")[2] not in self._domains:
            raise NotAMember("Addresses of this domain cannot sign in here.")

    def _open(self, cookie: str) -> tuple[Attempt, str]:
        text = self._signer.read(cookie)
        if text is None:
            raise AttemptNotValid
        try:
            state, nonce, verifier, wanted, expires_at = orjson.loads(base64.urlsafe_b64decode(text))
        except (binascii.Error, ValueError) as error:
            raise AttemptNotValid from error
        if self._clock.now().timestamp() > expires_at:
            raise AttemptNotValid
        return Attempt(state, nonce, verifier), wanted


async def _account(connection: Connection, identity: Identity, now: datetime) -> int | None:
    """Return the account of a verified address, or None if it is unknown and not invited."""
    candidates = await users.list_users_by_email(connection, identity.email)
    proven = [user for user in candidates if user.email_verified_at is not None]
    if proven:
        return proven[0].id
    claimed = [user for user in candidates if await members.list_organization_ids(connection, user.id)]
    if len(claimed) == 1:
        user_id = claimed[0].id
        await users.update_user(connection, user_id, {"password_hash": ""})
        await sessions.remove_sessions_of(connection, user_id)
        await tokens.remove_tokens_of(connection, user_id)
    elif not claimed and await invitations.is_invited(connection, identity.email, now):
        user_id = await users.add_user(connection, identity.email, identity.name, "", now)
    else:
        return None
    await users.verify_email(connection, user_id, identity.email, now)
    return user_id
