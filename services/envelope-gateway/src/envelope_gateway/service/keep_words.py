"""Keep the payloads of submissions that a rule of time, size or repetition refuses, in their steps."""

import asyncio
from typing import Any

import msgspec
from hearback_fleet.refused import payload_to_keep

from envelope_gateway.domain.auto_address import resolve_in_payload
from envelope_gateway.domain.plan import Plan, RefusedSubmission


async def keep_words(plan: Plan) -> None:
    """Add the payload, and the message to submit it again, to the steps of refused submissions."""
    for refused in plan.refused:
        payload = await asyncio.to_thread(_read, refused)
        if payload is not None:
            refused.step.payload = payload
            refused.step.refused = {"type": refused.stream.name, **msgspec.to_builtins(refused.message)}


def _read(refused: RefusedSubmission) -> dict[str, Any] | None:
    payload = refused.item.inspectable_payload
    return payload_to_keep(resolve_in_payload(payload, refused.message.remote_addr))
