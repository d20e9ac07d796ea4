"""Erasing a person's data, as the operator's command asks."""

from hearback_fleet.access import internal_router
from hearback_fleet.erasures import ERASURES_PATH, Erased, Erasure

from feedback.api.deps import StateDep
from feedback.service.erase_person import erase_person

router = internal_router()


@router.post(
    ERASURES_PATH,
    operation_id="erasePerson",
    summary="Erase a person's feedback, with attachments, in all organizations",
)
async def post_erasure(state: StateDep, wanted: Erasure) -> Erased:
    """Erase by address, and with it copies of what other services erased; called again, it goes on."""
    return Erased.of(*await erase_person(state.unit_of_work, wanted.email))
