"""Hands a client's connection over to the gateway."""

import asyncio
from collections.abc import Collection

from hearback_local.edge.proxied import ProxiedRequest
from hearback_local.edge.requests import RequestHead
from hearback_local.edge.router import Router


class Handover:
    """Buffers what is read from an idle connection until its first request decides about the handover."""

    def __init__(self, router: Router, *, may_go: bool) -> None:
        self.is_due = False
        self._router = router
        self._may_go = may_go
        self._read: bytes | None = None
        self._request: ProxiedRequest | None = None

    def received(self, data: bytes, *, is_idle: bool) -> None:
        """Buffer bytes that may be handed over."""
        if self._read is not None:
            self._read += data
        elif self._may_go and is_idle:
            self._read = data

    def head_parsed(self, request: ProxiedRequest, head: RequestHead | None) -> None:
        """Decide by the head of a request (None if refused); only the first after idling may be handed over."""
        if self._read is not None and head and self._request is None and self._router.may_hand_over(head):
            self._request = request
        else:
            self._read = self._request = None

    def request_ended(self, request: ProxiedRequest) -> bool:
        """Return whether a complete request is to be handed over with the connection."""
        self.is_due = self.is_due or request is self._request
        return request is self._request

    def hand_over(
        self, request: ProxiedRequest | None, transport: asyncio.Transport | None, others: Collection[object]
    ) -> bool:
        """Hand over, and close this process's copy; return False if the request is to be forwarded instead.

        That is so if `others` follow the request.
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
