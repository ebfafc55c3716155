"""Finding open tasks by the beginnings of words in their titles and their accounts' names.

One table of words serves both databases alike. The rarest of the words asked for says which tasks are looked
at, no more than LOOKED_AT of them, so that a common word costs no more than a rare one.
"""

from sqlalchemy import ColumnElement, Connection, Table, and_, false, func, literal, select

from engine.state.places import words_of
from engine.state.tables import QueuePlace, QueueWord

LOOKED_AT = 2_000
MOST_ASKED = 8
"""Words of a search that count."""

_PLACE: Table = QueuePlace.__table__  # type: ignore[attr-defined]
_WORD: Table = QueueWord.__table__  # type: ignore[attr-defined]
_LAST = "\U0010ffff"


def found_tasks(connection: Connection, text: str) -> ColumnElement[bool]:
    """The condition that a place is among those looked at and has every word."""
    asked = words_of(text)[:MOST_ASKED]
    if not asked:
        return false()
    rarest = min(asked, key=lambda word: _frequency(connection, word))
    looked_at = select(_WORD.c.task_id).where(_begins(rarest)).order_by(_WORD.c.word, _WORD.c.task_id)
    words = literal(" ").concat(_PLACE.c.words)
    others = [words.contains(f" {word}", autoescape=True) for word in asked if word != rarest]
    return and_(_PLACE.c.task_id.in_(looked_at.limit(LOOKED_AT)), *others)


def is_too_common(connection: Connection, text: str) -> bool:
    """Whether every word of a search is in more tasks than are looked at, so that some may be missing."""
    asked = words_of(text)[:MOST_ASKED]
    return bool(asked) and min(_frequency(connection, word) for word in asked) > LOOKED_AT


def _frequency(connection: Connection, word: str) -> int:
    """How many tasks have a word that begins so, counted to just beyond LOOKED_AT."""
    some = select(_WORD.c.task_id).where(_begins(word)).limit(LOOKED_AT + 1).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def _begins(word: str) -> ColumnElement[bool]:
    return and_(_WORD.c.word >= word, _WORD.c.word < word + _LAST)
