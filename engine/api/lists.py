"""What all lists of the API have in common: a page at a time, and a cursor for the next."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Query
from sqlalchemy import Connection

from engine.api.problems import Problem
from engine.api.service import Service
from engine.api.values import ValueRefused, read_instant
from engine.state.cursor import BadCursorError
from engine.state.database import reading
from engine.state.keyset import Page

Limit = Annotated[int, Query(ge=1, le=500, description="At most so many on a page.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="The `next_cursor` of the page before.")]
Name = Annotated[str | None, Query(max_length=200)]
Time = Annotated[str | None, Query(max_length=40, description="An instant with an offset.")]

NEXT_CURSOR = "Give it as `cursor` for the next page; null at the end."

Item = TypeVar("Item")


def listed(
    service: Service,
    read: Callable[[Connection], Page[Item]],
    plain: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """One page as it is answered. Raises Problem (422) for a cursor that no such list gave."""
    try:
        with reading(service.database) as connection:
            found = read(connection)
    except BadCursorError as error:
        raise Problem(422, "Parameters do not fit", f"{error}.") from error
    return {"items": [plain(each) for each in found.items], "next_cursor": found.cursor}


def instant_in(text: str | None, name: str) -> datetime | None:
    """The instant that a parameter gives. Raises Problem (422)."""
    if text is None:
        return None
    try:
        return read_instant(text)
    except ValueRefused as refused:
        raise Problem(422, "Time does not fit", f"{name}: {refused}.") from refused
