"""HTTP between services: timeouts, retries, signed calls.

A call is signed with the fleet's secret over method, target, time and body, so that internal routes accept only
calls from services, even if the port is reachable.
"""

import asyncio
import hashlib
import hmac
import re
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any, Final

import httpcore  # noqa: F401  # which httpx would import after a fork, in memory of each process
import httpx
import sniffio  # noqa: F401  # httpcore imports it with each request: without it the path is searched each time
import stamina
from fastapi import Request

from hearback_kit.api.bodies import INTERNAL_BODY_BYTES_MAX, before_body
from hearback_kit.errors import TooLarge, Unauthorized, Unavailable

SIGNATURE_HEADER: Final = "X-Hearback-Signature"
SERVICE_HEADER: Final = "X-Hearback-Service"
SIGNATURE_AGE_SECONDS_MAX: Final = 300
ANSWER_BYTES_MAX: Final = 67_108_864  # of a service
_WHOLE: Final = 2  # times the timeout that a call may take, whose connection and answer may each take all of it
_DIGITS: Final = re.compile(r"[0-9]{1,12}")
_NOT_SIGNED: Final = "only services of this fleet may call this"
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def sign(secret: str, service: str, method: str, target: str, body: bytes, at: int) -> str:
    """Return the value of the signature header: `<unix seconds>.<hex HMAC-SHA256>`.

    No part can contain a line break, and the body is hashed, so the signed text is unambiguous.
    """
    text = "\n".join((str(at), service, method.upper(), target, hashlib.sha256(body).hexdigest()))
    return f"{at}.{hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"


def is_signed(
    secret: str, service: str, method: str, target: str, body: bytes, header: str, *, now: float | None = None
) -> bool:
    """Return whether a signature is valid and fresh; clocks may differ by SIGNATURE_AGE_SECONDS_MAX."""
    if not _is_fresh(header, time.time() if now is None else now):
        return False
    expected = sign(secret, service, method, target, body, int(header.partition(".")[0]))
    return hmac.compare_digest(expected.encode(), header.encode())


def _is_fresh(header: str, now: float) -> bool:
    stamp = header.partition(".")[0]
    return bool(_DIGITS.fullmatch(stamp)) and abs(now - int(stamp)) <= SIGNATURE_AGE_SECONDS_MAX


@before_body
async def refuse_unsigned(request: Request) -> None:
    """Raise Unauthorized for a request without a fresh signature (not verified yet), before its body is read.

    Raise TooLarge for a body of more than INTERNAL_BODY_BYTES_MAX or of unknown size.
    """
    length = request.headers.get("content-length", "0")
    chunked = "transfer-encoding" in request.headers
    if chunked or not _DIGITS.fullmatch(length) or int(length) > INTERNAL_BODY_BYTES_MAX:
        raise TooLarge
    if not _is_fresh(request.headers.get(SIGNATURE_HEADER, ""), time.time()):
        raise Unauthorized(_NOT_SIGNED)


async def require_signature(request: Request, secret: str) -> str:
    """Return the name of the service that signed a request; raise Unauthorized or TooLarge."""
    await refuse_unsigned(request)
    service = request.headers.get(SERVICE_HEADER, "")
    header = request.headers.get(SIGNATURE_HEADER, "")
    body = await request.body()
    if not is_signed(secret, service, request.method, _target(request), body, header):
        raise Unauthorized(_NOT_SIGNED)
    return service


def _target(request: Request) -> str:
    """Return path and query as sent, not decoded."""
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query: bytes = request.scope.get("query_string", b"")
    return (path + b"?" + query if query else path).decode("latin-1")


class ServiceClient:
    """Calls one service. Responses with a status below 500 are returned; all other failures are Unavailable."""

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
            verify=_tls(base_url.startswith("https:")),
            trust_env=False,  # calls within the fleet never go through a proxy of the environment
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=5),
            transport=transport,
        )
        self._service = service
        self._secret = secret
        self._attempts = attempts
        self._seconds_max = _WHOLE * timeout_seconds

    async def request(
        self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a signed request to a path (with its query).

        GET, PUT and DELETE are retried, other methods only if no connection could be made.
        """
        repeatable = method in {"GET", "PUT", "DELETE"}
        retried = (httpx.TransportError, _ServerError) if repeatable else _NEVER_SENT
        try:
            async for attempt in stamina.retry_context(
                on=retried, attempts=self._attempts, wait_initial=0.05, wait_max=0.5, timeout=10
            ):
                with attempt:
                    return await self._once(method, target, body, headers or {})
        except (httpx.TransportError, _ServerError) as error:
            raise Unavailable(f"{self._client.base_url} cannot be reached") from error
        raise AssertionError("unreachable")

    async def _once(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        request = self._client.build_request(method, target, content=body, headers=dict(headers))
        if body:
            request.headers.setdefault("Content-Type", "application/json")
        sent = request.url.raw_path.decode("ascii")
        signature = sign(self._secret, self._service, method, sent, body, int(time.time()))
        request.headers[SERVICE_HEADER] = self._service
        request.headers[SIGNATURE_HEADER] = signature
        try:
            async with asyncio.timeout(self._seconds_max):  # that of the client begins again with every byte
                response = await self._send(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no complete answer within {self._seconds_max:g} s") from error
        if response.status_code >= 500:
            raise _ServerError(response.status_code)
        return response

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._client.send(request, stream=True)
        try:
            response.stream = _Bounded(response.stream, ANSWER_BYTES_MAX)
            await response.aread()
        finally:
            await response.aclose()
        return response

    async def get_json(self, target: str, *, headers: Mapping[str, str] | None = None) -> Any:
        """Return the JSON of a 200 response, None for a 404; raise Unavailable for anything else."""
        response = await self.request("GET", target, headers=headers)
        if response.status_code == 404:
            return None
        if response.status_code != 200:
            raise Unavailable(f"{self._client.base_url}{target} answered {response.status_code}")
        try:
            return response.json()
        except ValueError as error:
            raise Unavailable(f"{self._client.base_url}{target} did not answer with JSON") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class _Bounded(httpx.AsyncByteStream):
    """The body of a response; raises httpx.ReadError, without reading on, when it has more than `bytes_max`."""

    def __init__(self, stream: Any, bytes_max: int) -> None:
        self._stream = stream
        self._bytes_max = bytes_max

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = self._bytes_max
        async for part in self._stream:
            rest -= len(part)
            if rest < 0:
                raise httpx.ReadError(f"an answer of more than {self._bytes_max} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


@cache
def _tls(is_used: bool) -> ssl.SSLContext:
    """Return the process's TLS context; loading the CA certificates takes 30 ms and a MiB."""
    return ssl.create_default_context() if is_used else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _ServerError(Exception):
    """A response with status 500 or more."""
