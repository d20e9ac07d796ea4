"""Links that switch off alerts with one click (RFC 8058), for whoever got the mail."""

from typing import Annotated

from fastapi import APIRouter, Path

from registry.api import serializers
from registry.api.deps import StateDep
from registry.service.set_alerts import find_subscription, unsubscribe

router = APIRouter(prefix="/api/0/unsubscribe", tags=["users"])

LinkToken = Annotated[str, Path(description="The last part of the link.", max_length=200)]


class Subscription(serializers.Answer):
    """Mail about a project, and whether it is on."""

    project_id: str
    alerts: bool


@router.get("/{token}/", operation_id="getSubscription", summary="Show what a link switches off; changes nothing")
async def get(state: StateDep, token: LinkToken) -> Subscription:
    subscription = state.unsubscribe_links.read(token)
    found = await find_subscription(state.database, subscription)
    return Subscription(project_id=str(subscription.project_id), alerts=found.alerts)


@router.post("/{token}/", operation_id="unsubscribe", summary="Switch off mail about a project")
async def post(state: StateDep, token: LinkToken) -> Subscription:
    subscription = state.unsubscribe_links.read(token)
    await unsubscribe(state.changes, state.database, subscription)
    return Subscription(project_id=str(subscription.project_id), alerts=False)
