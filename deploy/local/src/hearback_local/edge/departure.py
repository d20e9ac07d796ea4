"""Handing a client's connection over to the service that its first request is for."""

import asyncio
from collections.abc import Collection

from hearback_local.edge.proxied import ProxiedRequest
from hearback_local.edge.requests import RequestHead
from hearback_local.edge.router import Router


class Departure:
    """Keeps what is read of a connection from when it is idle until it is known whether it goes."""

    def __init__(self, router: Router, *, may_go: bool) -> None:
        self.is_due = False
        self._router = router
        self._may_go = may_go
        self._read: bytes | None = None
        self._request: ProxiedRequest | None = None

    def received(self, data: bytes, *, is_idle: bool) -> None:
        """Keep bytes that may go with the connection."""
        if self._read is not None:
            self._read += data
        elif self._may_go and is_idle:
            self._read = data

    def head_parsed(self, request: ProxiedRequest, head: RequestHead | None) -> None:
        """Decide by the head of a request, None of one that is refused; only the first since then may go."""
        if self._read is not None and head and self._request is None and self._router.may_hand_over(head):
            self._request = request
        else:
            self._read = self._request = None

    def request_ended(self, request: ProxiedRequest) -> bool:
        """Return whether a request, all of which has come, goes with the connection."""
        self.is_due = self.is_due or request is self._request
        return request is self._request

    def go(
        self, request: ProxiedRequest | None, transport: asyncio.Transport | None, others: Collection[object]
    ) -> bool:
        """Hand over, and close this process's copy; False, and the request is forwarded, when that cannot be.

        It cannot when there are `others` behind the request.
        """
        read, self._read, self._request, self.is_due = self._read, None, None, False
        if request is None or transport is None:
            return False
        descriptor = transport.get_extra_info("socket").fileno()
        if read is None or others or not self._router.hand_over(descriptor, read):
            request.request_ended()
            return False
        request.done = True
        transport.abort()
        return True
