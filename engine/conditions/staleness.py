"""Values go stale: no longer good once the source that gives them has not been seen for too long."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from engine.conditions.catalogue import Field
from engine.conditions.columns import Bounds, Columns, widened
from engine.conditions.feed import FOREVER, Feed
from engine.conditions.operator_row import Operator
from engine.conditions.tree import Predicate
from engine.conditions.view import View
from engine.conditions.wording import label


def is_stale(field: Field, view: View) -> bool:
    """Whether what is known of the field, or that nothing is, is no longer good."""
    return any(_is_silent(each, view) for each in view.keeping(field))


def unless_stale(row: Operator) -> Operator:
    """The operator, waiting for the sources that keep its values good; they are missing to it when stale."""
    if row.is_moment:
        return row

    def boundary(predicate: Predicate, view: View) -> datetime | None:
        turns = (each.next_change(FOREVER, view.now) for each in _keeping(predicate, view))
        found = [each for each in (row.boundary(predicate, view), *turns) if each is not None]
        return min(found, default=None)

    def awaits(predicate: Predicate, view: View) -> Iterator[tuple[str, datetime]]:
        for each in _keeping(predicate, view):
            missing = each.missing(FOREVER, view.now)
            if missing is not None:
                yield each.source, missing
        yield from row.awaits(predicate, view)

    def reason(predicate: Predicate, view: View) -> str:
        if row.evaluate(predicate, view) is not None:
            return row.reason(predicate, view)
        stale = [each for each in _fields(predicate) if is_stale(each, view)]
        words = [_words(each, view) for each in stale]
        return "; ".join(words) if words else row.reason(predicate, view)

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        found = row.narrow(predicate, columns)
        is_kept = any(columns.feeds.keeping(each.kind, each.name) for each in _fields(predicate))
        return widened(found, columns) if is_kept else found

    return replace(row, boundary=boundary, awaits=awaits, reason=reason, narrow=narrow)


def _fields(predicate: Predicate) -> Iterator[Field]:
    summed = None if predicate.derived is None else predicate.derived.summed
    named = (predicate.field, predicate.of, predicate.otherwise, summed)
    return (each for each in named if each is not None)


def _keeping(predicate: Predicate, view: View) -> Iterator[Feed]:
    for each in _fields(predicate):
        yield from view.keeping(each)


def _is_silent(feed: Feed, view: View) -> bool:
    return not feed.covers(FOREVER, view.now)


def _words(field: Field, view: View) -> str:
    silent = [each for each in view.keeping(field) if _is_silent(each, view)]
    seen = " and ".join(_seen_words(each, view.now) for each in silent)
    return f"{label(field)} is stale: {seen}"


def _seen_words(feed: Feed, now: datetime) -> str:
    seen = feed.seen(now)
    if seen is None:
        return f"the source {feed.source} has not been seen yet"
    return f"the source {feed.source} was last seen on {seen:%Y-%m-%d %H:%M} UTC"
