"""HTTP between services: the one module that imports httpx. Timeouts, retries, signed calls.

A call is signed with the fleet's secret over method, path with query, time and body, so that
internal routes can tell a service from anybody else who reaches the port.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx
import stamina
from fastapi import Request

from hearback_kit.errors import Unauthorized, Unavailable

SIGNATURE_HEADER: Final = "X-Hearback-Signature"
SERVICE_HEADER: Final = "X-Hearback-Service"
SIGNATURE_AGE_SECONDS_MAX: Final = 300
INTERNAL_BODY_BYTES_MAX: Final = 4 * 1024 * 1024


def sign(secret: str, service: str, method: str, target: str, body: bytes, at: int) -> str:
    """The value of the signature header: `<unix seconds>.<hex HMAC-SHA256>`."""
    text = f"{at}.{service}.{method.upper()}.{target}.".encode() + body
    return f"{at}.{hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"


def is_signed(
    secret: str, service: str, method: str, target: str, body: bytes, header: str, *, now: float | None = None
) -> bool:
    """Whether a signature header is right and fresh."""
    stamp, _, _ = header.partition(".")
    if not (stamp.isascii() and stamp.isdigit()):
        return False
    if abs((time.time() if now is None else now) - int(stamp)) > SIGNATURE_AGE_SECONDS_MAX:
        return False
    return hmac.compare_digest(sign(secret, service, method, target, body, int(stamp)), header)


async def require_signature(request: Request, secret: str) -> str:
    """The name of the service that signed this request; raises Unauthorized when none did."""
    service = request.headers.get(SERVICE_HEADER, "")
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    body = await request.body()
    header = request.headers.get(SIGNATURE_HEADER, "")
    if not is_signed(secret, service, request.method, target, body, header):
        raise Unauthorized("only services of this fleet may call this")
    return service


class ServiceClient:
    """Calls one service. Answers with a status below 500 are returned; what cannot be had is Unavailable."""

    def __init__(
        self,
        base_url: str,
        *,
        service: str,
        secret: str,
        timeout_seconds: float = 3.0,
        attempts: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=timeout_seconds,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=5),
            transport=transport,
        )
        self._service = service
        self._secret = secret
        self._attempts = attempts

    async def request(
        self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a signed request to a path (with its query); GET, PUT and DELETE are tried again."""
        attempts = self._attempts if method in {"GET", "PUT", "DELETE"} else 1
        try:
            async for attempt in stamina.retry_context(
                on=(httpx.TransportError, _ServerError),
                attempts=attempts,
                wait_initial=0.05,
                wait_max=0.5,
                timeout=10,
            ):
                with attempt:
                    return await self._once(method, target, body, headers or {})
        except (httpx.TransportError, _ServerError) as error:
            raise Unavailable(f"{self._client.base_url} cannot be reached") from error
        raise AssertionError("unreachable")

    async def _once(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        signed = {
            SERVICE_HEADER: self._service,
            SIGNATURE_HEADER: sign(self._secret, self._service, method, target, body, int(time.time())),
            **headers,
        }
        if body:
            signed.setdefault("Content-Type", "application/json")
        response = await self._client.request(method, target, content=body, headers=signed)
        if response.status_code >= 500:
            raise _ServerError(response.status_code)
        return response

    async def get_json(self, target: str) -> Any:
        """The JSON of a 200 answer; None for a 404; raises Unavailable for anything else."""
        response = await self.request("GET", target)
        if response.status_code == 404:
            return None
        if response.status_code != 200:
            raise Unavailable(f"{self._client.base_url}{target} answered {response.status_code}")
        return response.json()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class _ServerError(Exception):
    """An answer of 500 or more."""
