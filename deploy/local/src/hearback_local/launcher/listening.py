"""The listening sockets of a fleet, which the launcher holds."""

import socket
import time

from hearback_devkit.engines.process import port_is_free

from hearback_local.errors import FleetError


def listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + 3.0
    while True:
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(2048)
            listener.setblocking(False)
        except OSError as error:
            if time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            listener.close()
            raise FleetError(
                f"port {port} of 127.0.0.1 cannot be used ({error.strerror}); choose another with --port"
            ) from error
        return listener


def listen_anywhere(port: int | None) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port if port and port_is_free(port) else 0), backlog=2048)
    listener.setblocking(False)
    return listener
