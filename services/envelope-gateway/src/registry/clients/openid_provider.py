"""Client of an OpenID provider: authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).

Its endpoints and keys come from the issuer's discovery document and are cached for an hour; an unknown key causes
a reload, at most once a minute. What reads its tokens takes 9 MB and is imported where a provider is configured.
"""

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import httpx
import orjson
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger

from registry.errors import ProviderRefused

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_FRESH_SECONDS: Final = 3_600.0
_AGAIN_SECONDS: Final = 60.0
_SECONDS_MAX: Final = 10.0
_ANSWER_BYTES_MAX: Final = 262_144
_LEEWAY_SECONDS: Final = 60

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Client:
    """The registration of this fleet at the provider."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_url: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """The secrets of one sign-in: `state` binds the response to the browser, `nonce` the token to the request."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """The code challenge (RFC 7636, S256)."""
        digest = sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity asserted by the provider."""

    subject: str
    email: str
    email_verified: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class _Known:
    read_at: float
    document: Mapping[str, Any]
    keys: "KeySet"


class OpenIdProvider:
    """The client."""

    def __init__(self, client: Client, *, seconds_max: float = _SECONDS_MAX) -> None:
        import joserfc.jwt  # noqa: F401  # now, and not with the first sign-in

        self._client = client
        self._seconds_max = seconds_max
        self._http = httpx.AsyncClient(timeout=seconds_max, follow_redirects=False)
        self._known: _Known | None = None
        self._reading = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def authorization_url(self, attempt: Attempt) -> str:
        """Return the URL to redirect the browser to; raise Unavailable."""
        known = await self._read(_FRESH_SECONDS)
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client.client_id,
                "redirect_uri": self._client.redirect_url,
                "scope": "openid email profile",
                "state": attempt.state,
                "nonce": attempt.nonce,
                "code_challenge": attempt.challenge,
                "code_challenge_method": "S256",
            }
        )
        endpoint = str(known.document["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    async def identify(self, code: str, attempt: Attempt, now: datetime) -> Identity:
        """Exchange a code for the identity; raise ProviderRefused or Unavailable."""
        known = await self._read(_FRESH_SECONDS)
        tokens = await self._tokens(known, code, attempt)
        claims = await self._claims(known, tokens.get("id_token"), attempt, now)
        if "email" not in claims and "userinfo_endpoint" in known.document:
            claims |= await self._user_info(known, tokens.get("access_token"), str(claims["sub"]))
        email = claims.get("email")
        if not isinstance(email, str) or "@" not in email:
            raise ProviderRefused("The provider did not say which e-mail address is yours.")
        name = claims.get("name")
        return Identity(
            subject=str(claims["sub"]),
            email=email.lower(),
            # Some providers write a text.
            email_verified=claims.get("email_verified") in (True, "true"),
            name=name.strip()[:200] or None if isinstance(name, str) else None,
        )

    async def _tokens(self, known: _Known, code: str, attempt: Attempt) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_url,
            "code_verifier": attempt.verifier,
        }
        methods = known.document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        auth = None
        if "client_secret_basic" in methods:  # RFC 6749 2.3.1: both parts are form-encoded first
            auth = httpx.BasicAuth(
                quote(self._client.client_id, safe=""), quote(self._client.client_secret, safe="")
            )
        else:
            form |= {"client_id": self._client.client_id, "client_secret": self._client.client_secret}
        request = self._http.build_request("POST", str(known.document["token_endpoint"]), data=form)
        return await self._json(request, auth)

    async def _claims(self, known: _Known, token: Any, attempt: Attempt, now: datetime) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        if not isinstance(token, str):
            raise ProviderRefused
        try:
            try:
                decoded = jwt.decode(token, known.keys, algorithms=list(_ALGORITHMS))
            except (JoseError, ValueError):  # the key may be newer than what is known
                known = await self._read(_AGAIN_SECONDS)
                decoded = jwt.decode(token, known.keys, algorithms=list(_ALGORITHMS))
            claims = dict(decoded.claims)
            jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=_LEEWAY_SECONDS,
                iss={"essential": True, "value": self._client.issuer},
                aud={"essential": True, "value": self._client.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": attempt.nonce},
            ).validate(claims)
        except (JoseError, ValueError) as error:
            _log.warning("id_token_refused", reason=str(error))
            raise ProviderRefused from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._client.client_id) != self._client.client_id:
            raise ProviderRefused
        return claims

    async def _user_info(self, known: _Known, token: Any, subject: str) -> dict[str, Any]:
        request = self._http.build_request(
            "GET", str(known.document["userinfo_endpoint"]), headers={"Authorization": f"Bearer {token}"}
        )
        found = await self._json(request)
        if found.get("sub") != subject:
            raise ProviderRefused
        return {name: found[name] for name in ("email", "email_verified", "name") if name in found}

    async def _read(self, seconds_max: float) -> _Known:
        """Return the discovery document and the keys, not older than `seconds_max`."""
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        async with self._reading:
            known = self._known
            if known is not None and time.monotonic() - known.read_at < seconds_max:
                return known
            url = f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration"
            document = await self._json(self._http.build_request("GET", url))
            if document.get("issuer") != self._client.issuer:
                raise Unavailable("The sign-in provider names another issuer than the one that is set.")
            missing = {"authorization_endpoint", "token_endpoint", "jwks_uri"} - document.keys()
            if missing:
                raise Unavailable("The sign-in provider's description is not complete.")
            found = await self._json(self._http.build_request("GET", str(document["jwks_uri"])))
            try:
                keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise Unavailable("The sign-in provider's keys cannot be read.") from error
            self._known = _Known(time.monotonic(), document, keys)
            return self._known

    async def _json(self, request: httpx.Request, auth: httpx.Auth | None = None) -> dict[str, Any]:
        """Return a JSON object; raise ProviderRefused for 4xx, Unavailable for any other failure."""
        try:
            async with asyncio.timeout(self._seconds_max):  # that of the client begins again with every byte
                answer = await self._http.send(request, auth=auth, stream=True)
                try:
                    body = await _read_bounded(answer)
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable("The sign-in provider cannot be reached.") from error
        if 400 <= answer.status_code < 500:
            _log.warning("provider_refused", url=str(request.url), status=answer.status_code)
            raise ProviderRefused
        try:
            found = orjson.loads(body) if answer.status_code == 200 else None
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise Unavailable("The sign-in provider's answer cannot be read.")
        return found


async def _read_bounded(answer: httpx.Response) -> bytes:
    """Return a body; raise httpx.ReadError when it has more than _ANSWER_BYTES_MAX bytes, unpacked."""
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > _ANSWER_BYTES_MAX:
            raise httpx.ReadError(f"an answer of more than {_ANSWER_BYTES_MAX} bytes")
    return bytes(body)
