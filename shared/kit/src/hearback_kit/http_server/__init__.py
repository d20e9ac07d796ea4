"""The HTTP protocol of all servers. It subclasses private classes of uvicorn, whose version is pinned for that."""

from hearback_kit.http_server.cycle import RequestCycle, encode_head
from hearback_kit.http_server.limits import HttpLimits
from hearback_kit.http_server.protocol import HttpProtocol
