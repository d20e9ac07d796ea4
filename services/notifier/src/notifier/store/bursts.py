"""Bursts: more mails to one address than it gets in a minute."""

from datetime import datetime, timedelta
from typing import Any

from hearback_kit.db.rows import is_among
from sqlalchemy import Select, func, select, text

from notifier.domain.recipients import Channel
from notifier.store.tables import DELIVERIES, PENDING, SENT


def surplus(now: datetime, per_minute: int) -> Select[Any]:
    """Return the ids of pending mails beyond `per_minute` to an address; sent ones count.

    Only addresses to which something is due are looked at.
    """
    waiting = DELIVERIES.alias("due")
    due = select(waiting.c.destination).where(
        text("due.state IN ('pending', 'digest')"),  # the condition of the index
        waiting.c.state == PENDING,
        waiting.c.due_at <= now,
    )
    position = func.row_number().over(
        partition_by=DELIVERIES.c.destination, order_by=(DELIVERIES.c.created_at, DELIVERIES.c.id)
    )
    recent = (
        select(DELIVERIES.c.id, DELIVERIES.c.state, position.label("position"))
        .where(
            is_among(DELIVERIES.c.destination, due.distinct()),
            DELIVERIES.c.created_at > now - timedelta(minutes=1),
            DELIVERIES.c.channel == str(Channel.EMAIL),
            DELIVERIES.c.state.in_((PENDING, SENT)),
        )
        .subquery()
    )
    return select(recent.c.id).where(recent.c.state == PENDING, recent.c.position > per_minute)
