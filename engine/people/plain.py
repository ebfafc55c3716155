"""Rows as plain JSON values."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from engine.conditions.catalogue import encode


def plain(value: Any) -> Any:
    """Times and numbers as the one text they have everywhere, exact; flags and whole counts as they are."""
    return encode(value) if isinstance(value, Decimal | datetime | date) else value


def plain_row(row: Row[Any], names: Iterable[str]) -> dict[str, Any]:
    """The named columns of a row."""
    return {name: plain(getattr(row, name)) for name in names}
