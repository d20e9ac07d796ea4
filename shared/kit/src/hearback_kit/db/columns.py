"""Helpers to declare columns."""

from typing import Any, Final

from sqlalchemy import Column, DateTime
from sqlalchemy.types import TypeEngine

TIME: Final = DateTime(timezone=True)


def columns(
    kind: TypeEngine[Any] | type[TypeEngine[Any]], *names: str, nullable: bool = False
) -> list[Column[Any]]:
    """Return a column of a type for each name."""
    return [Column(name, kind, nullable=nullable) for name in names]
