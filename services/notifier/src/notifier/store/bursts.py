"""Bursts: more mails to one address than it gets in a minute."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select, text

from notifier.domain.recipients import Channel
from notifier.store.tables import DELIVERIES


def _due(now: datetime, pending: str) -> Select[Any]:
    table = DELIVERIES.alias("due")
    return (
        select(table.c.destination)
        .where(
            text("due.state IN ('pending', 'digest')"),  # as the index has it
            table.c.state == pending,
            table.c.due_at <= now,
        )
        .distinct()
    )


def surplus(now: datetime, per_minute: int, pending: str, sent: str) -> Select[Any]:
    """Return the ids of mails in the state `pending` beyond `per_minute` to an address; sent ones count.

    Only addresses to which something is due are looked at.
    """
    due = _due(now, pending)
    recent = (
        select(
            DELIVERIES.c.id,
            DELIVERIES.c.state,
            func.row_number()
            .over(partition_by=DELIVERIES.c.destination, order_by=(DELIVERIES.c.created_at, DELIVERIES.c.id))
            .label("position"),
        )
        .where(
            DELIVERIES.c.destination.in_(due),
            DELIVERIES.c.created_at > now - timedelta(minutes=1),
            DELIVERIES.c.channel == str(Channel.EMAIL),
            DELIVERIES.c.state.in_((pending, sent)),
        )
        .subquery()
    )
    return select(recent.c.id).where(recent.c.state == pending, recent.c.position > per_minute)
