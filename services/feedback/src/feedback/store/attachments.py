"""Attachments: what was recorded of them."""

from collections.abc import Sequence
from typing import Any

from hearback_kit.db import Connection


async def find_with_attachments(connection: Connection, rows: Sequence[Any]) -> set[int]:
    """Ids of those feedback rows that have attachments."""
    return set()
