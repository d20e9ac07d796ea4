"""Erasing a person's data, as the operator's command asks; calls are signed and no part of the public document."""

from typing import Any

from fastapi import APIRouter, Request
from hearback_fleet.erasures import ERASURES_PATH, erasure_answer, read_erasure

from client_reports.api.deps import StateDep
from client_reports.service.erase_person import erase_person

router = APIRouter(include_in_schema=False)


@router.post(ERASURES_PATH)
async def post_erasure(request: Request, state: StateDep) -> dict[str, Any]:
    """Erase what a person's refused submissions said, in all organizations."""
    wanted = await read_erasure(request, state.settings.secret_key.get_secret_value())
    return erasure_answer(await erase_person(state.database, wanted))
