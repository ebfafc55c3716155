"""Which moments an input is."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from engine.conditions.catalogue import Kind, Value, encode
from engine.conditions.change_operators import is_change
from engine.conditions.properties import counts
from engine.conditions.tree import Condition, Crossing, Predicate
from engine.fold.view import Place
from engine.state.book import Book, ChangeInput, DataInput, EventInput

ONCE = ("",)
"""The mark of a moment that an input can only be once."""


def marks(
    condition: Condition,
    item: DataInput,
    before: Mapping[Place, Value | None],
    kind: str,
    subject_id: str,
    book: Book,
) -> tuple[str, ...]:
    """One mark for each time that `item` is the moment `condition` names for this subject; else none.

    The mark tells apart what one change is at once: it is the threshold that was crossed.
    """
    assert isinstance(condition, Predicate)
    if isinstance(item, EventInput):
        concerns = item.subject_id in (None, subject_id) or kind == Kind.ACCOUNT
        is_meant = condition.event == item.name and concerns and counts(condition.where, item.properties)
        return ONCE if is_meant else ()
    field = condition.field
    if field is None or item.superseded or (field.kind, field.name) != (item.kind, field_of(item)):
        return ()
    if item.kind not in (Kind.ACCOUNT, Kind.METRIC) and item.subject_id != subject_id:
        return ()
    old = before.get((item.kind, item.subject_id, item.field))
    if isinstance(condition.value, Crossing):
        return _crossed(condition.value, old, item, book)
    return ONCE if is_change(condition, old, item.new) else ()


def field_of(item: ChangeInput) -> str:
    """How a rule names the field: a metric is named by what it measures."""
    return item.subject_id.partition(":")[2] if item.kind is Kind.METRIC else item.field


def _crossed(crossing: Crossing, old: Value | None, item: ChangeInput, book: Book) -> tuple[str, ...]:
    if not isinstance(old, Decimal) or not isinstance(item.new, Decimal):
        return ()
    found = crossing.crossed(old, item.new)
    if crossing.is_once:
        past = _past(item, book, item.effective_at)
        found = [each for each in found if not any(crossing.is_reached(each, value) for value in past)]
    if crossing.takes_furthest:
        found = found[-1:]
    return tuple(encode(each) or "" for each in found)


def _past(item: ChangeInput, book: Book, before: datetime) -> list[Decimal]:
    """Every value that the field is known to have had before."""
    course = book.courses.get((item.kind, item.subject_id, item.field), [])
    return [each.value for each in course if isinstance(each.value, Decimal) and each.effective_at < before]
