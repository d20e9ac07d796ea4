"""The names of before, until the gateway uses those of `hearback_kit.http_server`."""

from hearback_kit.http_server.cycle import RequestCycle, encode_head

Exchange = RequestCycle

__all__ = ["Exchange", "encode_head"]
