"""Erase a person's data, for `hearback erase`."""

from hearback_fleet.erasures import erasure_router

from client_reports.service.erase_person import erase_person

router = erasure_router(
    "Erase what a person's refused submissions said, in all organizations",
    erase_person,
)
