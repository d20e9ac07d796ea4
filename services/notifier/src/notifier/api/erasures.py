"""Erase a person's data, for `hearback erase`."""

from hearback_fleet.erasures import erasure_router

from notifier.service.erase_person import erase_person

router = erasure_router(
    "Erase deliveries about a person's submissions, or to the person, in all organizations",
    lambda state, wanted: erase_person(state.database, wanted),
)
