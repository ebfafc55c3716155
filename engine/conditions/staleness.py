"""Values go stale: no longer good once the source that gives them has not been seen for too long."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from engine.conditions.catalogue import Field
from engine.conditions.columns import Bounds, Columns, widened
from engine.conditions.feed import FOREVER, Feed
from engine.conditions.operator_row import Operator
from engine.conditions.tree import Predicate, predicates
from engine.conditions.view import View
from engine.conditions.wording import label

_TO_THE_MINUTE = "%Y-%m-%d %H:%M UTC"


def is_stale(field: Field, view: View) -> bool:
    """Whether what is known of the field, or that nothing is, is no longer good."""
    return bool(_silent(field, view))


def stale_words(field: Field, keeping: Sequence[Feed], now: datetime) -> str:
    """Since when the field is stale, and when those of its sources were last seen that are silent.

    "health is stale since 2026-03-05 12:00 UTC: the source usage was last seen on 2026-03-02 12:00 UTC"
    """
    silent = [each for each in keeping if not each.covers(FOREVER, now)]
    reached = [each for one in silent if (each := one.reached(now)) is not None]
    since = f" since {min(reached):{_TO_THE_MINUTE}}" if reached else ""
    return f"{label(field)} is stale{since}: {' and '.join(_seen_words(each, now) for each in silent)}"


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
        direct = [stale_words(each, view.keeping(each), view.now) for each in stale]
        counted = list(_counted_words(predicate, view))
        if not direct and predicate.derived is not None and predicate.derived.where is not None:
            return "; ".join([row.reason(predicate, view), *counted])
        return "; ".join([*direct, *counted]) or row.reason(predicate, view)

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        found = row.narrow(predicate, columns)
        is_kept = any(columns.feeds.keeping(each.kind, each.name) for each in _kept(predicate))
        return widened(found, columns) if is_kept else found

    return replace(row, boundary=boundary, awaits=awaits, reason=reason, narrow=narrow)


def _fields(predicate: Predicate) -> Iterator[Field]:
    named = (predicate.field, predicate.of, predicate.otherwise)
    return (each for each in named if each is not None)


def _kept(predicate: Predicate) -> Iterator[Field]:
    """The fields whose values may go stale, those of what is summed among them."""
    yield from _fields(predicate)
    if predicate.derived is not None and predicate.derived.summed is not None:
        yield predicate.derived.summed


def _keeping(predicate: Predicate, view: View) -> Iterator[Feed]:
    for each in _fields(predicate):
        yield from view.keeping(each)


def _is_silent(feed: Feed, view: View) -> bool:
    return not feed.covers(FOREVER, view.now)


def _silent(field: Field, view: View) -> list[Feed]:
    return [each for each in view.keeping(field) if _is_silent(each, view)]


def _counted_words(predicate: Predicate, view: View) -> Iterator[str]:
    """What is stale of those that are counted or summed: the fields for whose sources one of them waits."""
    derived = predicate.derived
    if derived is None:
        return
    asked = [] if derived.where is None else predicates(derived.where)
    fields = [each for one in asked for each in _fields(one)] + ([derived.summed] if derived.summed else [])
    awaited = {source for source, _ in view.extent(derived).awaits}
    for field in dict.fromkeys(fields):
        silent = [each for each in _silent(field, view) if each.source in awaited]
        if silent:
            yield stale_words(field, silent, view.now)


def _seen_words(feed: Feed, now: datetime) -> str:
    seen = feed.seen(now)
    if seen is None:
        return f"the source {feed.source} has not been seen yet"
    return f"the source {feed.source} was last seen on {seen:{_TO_THE_MINUTE}}"
