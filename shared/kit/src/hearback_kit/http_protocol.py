"""The name of before, until tests use that of `hearback_kit.http_server`."""

from hearback_kit.http_server.protocol import HEAD_BYTES_MAX, HttpProtocol

__all__ = ["HEAD_BYTES_MAX", "HttpProtocol"]
