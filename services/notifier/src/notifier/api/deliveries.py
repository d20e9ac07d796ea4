"""The log of deliveries: notices sent, and the servers' responses."""

from typing import Annotated

from fastapi import APIRouter, Response
from hearback_contracts.identifiers import parse_event_id
from hearback_kit.api.paging import PageRequest, page_request, read_id
from hearback_kit.errors import existing

from notifier.api.deps import EventReader, StateDep, Writer
from notifier.api.params import DeliveryId, StateFilter, SubjectFilter
from notifier.api.serializers import DeliveryView, delivery_view
from notifier.service.resend_delivery import resend_delivery
from notifier.store.delivery_log import find_delivery, list_deliveries

router = APIRouter(prefix="/api/0/projects/{organization}/{project}/deliveries", tags=["deliveries"])
Page = Annotated[PageRequest, page_request(read_id, rows=50, rows_max=100)]


@router.get("/", operation_id="listDeliveries", summary="List the deliveries of a project")
async def get_deliveries(
    state: StateDep,
    scope: EventReader,
    page: Page,
    response: Response,
    status: StateFilter = None,
    subject: SubjectFilter = None,
) -> list[DeliveryView]:
    """Return deliveries, newest first."""
    found = await state.database.read(
        list_deliveries, scope.project.id, page.window, state=status, subject_id=parse_event_id(subject) or subject
    )
    shown = page.page(found, lambda delivery: (delivery.id,))
    response.headers.update(shown.headers)
    return [delivery_view(delivery) for delivery in shown.rows]


@router.get("/{delivery_id}/", operation_id="getDelivery", summary="Show a delivery")
async def get_delivery(state: StateDep, scope: EventReader, delivery_id: DeliveryId) -> DeliveryView:
    """Return one delivery."""
    found = existing(await state.database.read(find_delivery, scope.project.id, delivery_id))
    return delivery_view(found)


@router.post(
    "/{delivery_id}/resend/", operation_id="resendDelivery", summary="Send a delivery again", status_code=202
)
async def resend(state: StateDep, scope: Writer, delivery_id: DeliveryId) -> DeliveryView:
    """Send a finished delivery again; 409 while it is pending."""
    return delivery_view(await resend_delivery(state, scope.project, delivery_id))
