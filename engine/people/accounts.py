"""Accounts as programs read them: in the shape in which they are posted, with their parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from engine.conditions.catalogue import Catalogue, Kind
from engine.people.plain import plain
from engine.state import keyset, tables
from engine.state.keyset import Key, Page
from engine.users.scope import EVERYTHING, Scope

MOST_PARTS = 1_000
"""Contacts, subscriptions, tickets or metrics told of one account."""

_ACCOUNT: Table = tables.Account.__table__  # type: ignore[attr-defined]
_WATCH: Table = tables.Watch.__table__  # type: ignore[attr-defined]
_METRIC: Table = tables.Metric.__table__  # type: ignore[attr-defined]
_PARTS: Mapping[Kind, Table] = {
    Kind.CONTACT: tables.Contact.__table__,  # type: ignore[attr-defined]
    Kind.SUBSCRIPTION: tables.Subscription.__table__,  # type: ignore[attr-defined]
    Kind.TICKET: tables.Ticket.__table__,  # type: ignore[attr-defined]
}
_BY_ID = (Key(_ACCOUNT.c.id, "id", str),)


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts are wanted; what is None does not narrow."""

    csm: str | None = None
    segment: str | None = None
    stage: str | None = None
    scope: Scope = EVERYTHING
    """Only those that somebody may see."""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The filter as a query asks it."""
        for name in ("csm", "segment", "stage"):
            value = getattr(self, name)
            if value is not None:
                yield _ACCOUNT.c[name] == value
        if not self.scope.is_everything:
            yield self.scope.sees(_ACCOUNT.c.id)


def page(
    connection: Connection, wanted: AccountFilter, *, limit: int, cursor: str | None = None
) -> Page[Row[Any]]:
    """Accounts by id, without their parts. Raises BadCursorError."""
    query = select(_ACCOUNT).where(*wanted.conditions())
    return keyset.page(connection, query, _BY_ID, limit=limit, cursor=cursor)


def one(connection: Connection, account_id: str, catalogue: Catalogue) -> dict[str, Any] | None:
    """An account with its parts as plain JSON values; None when there is none of that id.

    It can be posted again as it stands, without `revision`, which counts what has been taken in of it.
    """
    query = select(_ACCOUNT, _WATCH.c.revision).outerjoin(_WATCH, _WATCH.c.account_id == _ACCOUNT.c.id)
    row = connection.execute(query.where(_ACCOUNT.c.id == account_id)).one_or_none()
    if row is None:
        return None
    metrics = connection.execute(_of(_METRIC, account_id))
    return {
        **subject_json(row, Kind.ACCOUNT, catalogue),
        **{
            f"{kind.value}s": [
                subject_json(part, kind, catalogue) for part in connection.execute(_of(table, account_id))
            ]
            for kind, table in _PARTS.items()
        },
        "metrics": {each.name: plain(each.value) for each in metrics},
        "revision": row.revision or 0,
    }


def subject_json(row: Row[Any], kind: Kind, catalogue: Catalogue) -> dict[str, Any]:
    """The id and every field of the catalogue, custom ones included. Numbers are text, to stay exact."""
    custom = row.custom or {}
    fields = catalogue.of_kind(kind)
    values = {
        name: custom.get(name) if field.is_custom else plain(getattr(row, name))
        for name, field in fields.items()
    }
    return {"id": row.id, **values}


def _of(table: Table, account_id: str) -> Any:
    return select(table).where(table.c.account_id == account_id).order_by(table.c.id).limit(MOST_PARTS)
