"""Erase a person's data, for `hearback erase`."""

from hearback_fleet.erasures import erasure_router

from user_reports.service.erase_person import erase_person

router = erasure_router(
    "Erase a person's reports, and the person from error events, in all organizations",
    lambda state, wanted: erase_person(state, wanted.email),
)
