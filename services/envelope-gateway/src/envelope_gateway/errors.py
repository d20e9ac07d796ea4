"""Errors of the gateway. Refusals of the ingest protocol are in `domain.refusals`."""

from envelope_gateway.domain.refusals import Refused

__all__ = ["Refused"]
