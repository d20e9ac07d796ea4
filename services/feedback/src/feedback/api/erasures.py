"""Erase a person's data, for `hearback erase`."""

from hearback_fleet.erasures import erasure_router

from feedback.service.erase_person import erase_person

router = erasure_router(
    "Erase a person's feedback, with attachments, in all organizations",
    lambda state, wanted: erase_person(state.unit_of_work, wanted.email),
)
