"""Whether what an address names lies in an account that the visitor may see."""

from collections.abc import Callable, Collection, Iterator, Mapping

from fastapi import Request
from sqlalchemy import ColumnElement, Engine, Select, Table, select

from engine.api.problems import Problem
from engine.state.database import reading
from engine.state.tables import Account, Outbox, Run, Task
from engine.users.scope import Scope

_ACCOUNT: Table = Account.__table__  # type: ignore[attr-defined]
_OUTBOX: Table = Outbox.__table__  # type: ignore[attr-defined]
_RUN: Table = Run.__table__  # type: ignore[attr-defined]
_TASK: Table = Task.__table__  # type: ignore[attr-defined]


def _task(scope: Scope) -> ColumnElement[bool]:
    return scope.sees_task(_TASK.c.account_id, _TASK.c.assignee)


_BY_NAME: Mapping[str, tuple[Table, Callable[[Scope], ColumnElement[bool]]]] = {
    "account_id": (_ACCOUNT, lambda scope: scope.sees(_ACCOUNT.c.id)),
    "account": (_ACCOUNT, lambda scope: scope.sees(_ACCOUNT.c.id)),
    "task_id": (_TASK, _task),
    "entry_id": (_OUTBOX, lambda scope: scope.sees(_OUTBOX.c.account_id)),
    "run_id": (_RUN, lambda scope: scope.sees(_RUN.c.account_id)),
}
"""By the name of a parameter in a path or a query: the table whose row it names, and when it may be seen."""


def refuse_unseen(request: Request, database: Engine, scope: Scope) -> None:
    """Raises Problem (403) when the address names something of an account outside the scope."""
    for name, value in _named(request):
        refuse_hidden(database, scope, name, [value])


def refuse_hidden(database: Engine, scope: Scope, name: str, ids: Collection[str]) -> None:
    """Raises Problem (403) when one of the ids, called as in a path, lies outside the scope.

    For ids that come in a form, which the gate does not look at.
    """
    if scope.is_everything or not ids:
        return
    table, is_seen = _BY_NAME[name]
    hidden: Select[tuple[str]] = select(table.c.id).where(table.c.id.in_(ids), ~is_seen(scope)).limit(1)
    with reading(database) as connection:
        found = connection.scalar(hidden)
    if found is not None:
        detail = "It belongs to an account of another team; an admin can let you see every account."
        raise Problem(403, "Not one of your accounts", detail)


def _named(request: Request) -> Iterator[tuple[str, str]]:
    for name in _BY_NAME:
        for given in (request.path_params.get(name), request.query_params.get(name)):
            if given:
                yield name, str(given).strip()
