"""Where open tasks stand in queues: kept beside the tasks, so that a queue is read by index in any order.

A place follows from the task and its account alone. Whoever writes either calls `place_tasks` or
`place_accounts` in the same transaction; calling once too often changes nothing.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, bindparam, delete, select

from engine.state.history import chunked
from engine.state.importance import importance
from engine.state.tables import Account, QueuePlace, QueueWord, Task
from engine.state.upsert import upsert

_ACCOUNT: Table = Account.__table__  # type: ignore[attr-defined]
_PLACE: Table = QueuePlace.__table__  # type: ignore[attr-defined]
_TASK: Table = Task.__table__  # type: ignore[attr-defined]
_WORD: Table = QueueWord.__table__  # type: ignore[attr-defined]

PLACED_BY = frozenset({"name", "arr", "health", "segment"})
"""The fields of an account that its tasks' places follow."""
MOST_WORDS = 32
LONGEST_WORD = 32
_UNKNOWN_LAST = 2**62
_MICRO = 1_000_000
_WORDS = re.compile(r"\w+")
_SOURCE = "source:"


def words_of(text: str) -> tuple[str, ...]:
    """The different words of a text, in lower case and without accents, in their order."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    found = (each[:LONGEST_WORD] for each in _WORDS.findall(plain.casefold().replace("_", " ")))
    return tuple(dict.fromkeys(found))[:MOST_WORDS]


def place_row(task: Mapping[str, Any], account: Mapping[str, Any] | None) -> dict[str, Any]:
    """The place of an open task; `account` is the row of its account, where it has one."""
    account = account or {}
    name = account.get("name") or task["account_id"].removeprefix(_SOURCE)
    arr, health = account.get("arr"), account.get("health")
    return {
        "task_id": task["id"],
        "account_id": task["account_id"],
        "assignee": task["assignee"],
        "playbook": task["playbook"],
        "kind": task["kind"],
        "segment": account.get("segment"),
        "due_at": task["due_at"],
        "rests_until": task["snoozed_until"],
        "by_importance": -importance(task["priority"], arr, health).points,
        "by_arr": 1 if arr is None else -_millionths(arr),
        "by_health": _UNKNOWN_LAST if health is None else _millionths(health),
        "by_account": name.casefold()[:200],
        "words": " ".join(words_of(f"{name} {task['title']}")),
    }


def place_tasks(connection: Connection, task_ids: Collection[str]) -> None:
    """Bring the places of these tasks up to what they and their accounts are now."""
    for chunk in chunked(sorted(set(task_ids))):
        tasks = connection.execute(_open_tasks(_TASK.c.id.in_(chunk))).mappings().all()
        _write(connection, chunk, tasks)


def place_accounts(connection: Connection, account_ids: Collection[str]) -> None:
    """Bring the places of these accounts' tasks up to what the accounts are now."""
    for chunk in chunked(sorted(set(account_ids))):
        query = select(_PLACE.c.task_id).where(_PLACE.c.account_id.in_(chunk))
        place_tasks(connection, connection.scalars(query).all())


def _open_tasks(which: Any) -> Any:
    names = (
        *("id", "account_id", "assignee", "playbook", "kind", "due_at", "snoozed_until", "priority"),
        "title",
    )
    account = [_ACCOUNT.c[name] for name in sorted(PLACED_BY)]
    joined = _TASK.outerjoin(_ACCOUNT, _ACCOUNT.c.id == _TASK.c.account_id)
    query = select(*(_TASK.c[name] for name in names), *account).select_from(joined)
    return query.where(which, _TASK.c.state == "open")


def _write(connection: Connection, task_ids: Sequence[str], tasks: Sequence[RowMapping]) -> None:
    """Write what differs from what is there."""
    query = select(_PLACE).where(_PLACE.c.task_id.in_(task_ids))
    known = {row["task_id"]: dict(row) for row in connection.execute(query).mappings()}
    wanted = {row["id"]: place_row(dict(row), dict(row)) for row in tasks}
    gone = [task_id for task_id in known if task_id not in wanted]
    if gone:
        connection.execute(delete(_PLACE).where(_PLACE.c.task_id.in_(gone)))
    upsert(connection, _PLACE, [row for task_id, row in wanted.items() if row != known.get(task_id)])
    _write_words(connection, _word_pairs(known.values()), _word_pairs(wanted.values()))


def _write_words(connection: Connection, known: set[tuple[str, str]], wanted: set[tuple[str, str]]) -> None:
    gone = [{"gone": word, "of": task_id} for word, task_id in sorted(known - wanted)]
    if gone:
        statement = delete(_WORD).where(_WORD.c.word == bindparam("gone"), _WORD.c.task_id == bindparam("of"))
        connection.execute(statement, gone)
    rows = [{"word": word, "task_id": task_id} for word, task_id in sorted(wanted - known)]
    upsert(connection, _WORD, rows, keep=True)


def _word_pairs(places: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {(word, place["task_id"]) for place in places for word in place["words"].split()}


def _millionths(value: Decimal) -> int:
    return int(value * _MICRO)
