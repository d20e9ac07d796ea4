"""The names of before, until gateway and crash-embed use those of `hearback_kit.resp`."""

from hearback_kit.resp import NotSent, RespConnection, encode_command

Wire = RespConnection

__all__ = ["NotSent", "Wire", "encode_command"]
