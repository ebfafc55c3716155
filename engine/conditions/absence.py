"""Answers that take absence for a fact count only once the sources behind them have been seen far enough."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from engine.conditions.columns import Bounds, Columns, widened
from engine.conditions.feed import Feed
from engine.conditions.operator_row import Operator
from engine.conditions.tree import Predicate
from engine.conditions.view import View

Proof = Callable[[Predicate, View], datetime | None]
"""Up to when the sources must have been seen for the present answer to count; None where it just counts."""


def once_seen(
    row: Operator, proof: Proof, rests: Callable[[Predicate], bool] = lambda predicate: True
) -> Operator:
    """The operator, unknown while a source behind its answer has not been seen as far as the proof asks.

    `rests` says of which predicates the answer rests on a source at all.
    """

    def unseen(predicate: Predicate, view: View) -> tuple[datetime, list[Feed]] | None:
        feeds = view.feeds(predicate) if rests(predicate) else ()
        point = proof(predicate, view) if feeds else None
        if point is None:
            return None
        behind = [each for each in feeds if not each.covers(point, view.now)]
        return (point, behind) if behind else None

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        return None if unseen(predicate, view) else row.evaluate(predicate, view)

    def fact(predicate: Predicate, view: View) -> int | str | None:
        return None if unseen(predicate, view) else row.fact(predicate, view)

    def boundary(predicate: Predicate, view: View) -> datetime | None:
        feeds = view.feeds(predicate) if rests(predicate) else ()
        point = proof(predicate, view) if feeds else None
        turns = [] if point is None else [each.next_change(point, view.now) for each in feeds]
        found = [each for each in (row.boundary(predicate, view), *turns) if each is not None]
        return min(found, default=None)

    def awaits(predicate: Predicate, view: View) -> Iterator[tuple[str, datetime]]:
        found = unseen(predicate, view)
        for feed in found[1] if found else ():
            missing = feed.missing(found[0], view.now) if found else None
            if missing is not None:
                yield feed.source, missing
        yield from row.awaits(predicate, view)

    def reason(predicate: Predicate, view: View) -> str:
        found = unseen(predicate, view)
        said = row.reason(predicate, view)
        return said if found is None else f"{said}; not certain, for {_seen_words(found[1], view)}"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        found = row.narrow(predicate, columns)
        if not rests(predicate) or not columns.feeds.of(predicate):
            return found
        return widened(found, columns)

    return replace(
        row, evaluate=evaluate, fact=fact, boundary=boundary, awaits=awaits, reason=reason, narrow=narrow
    )


def _seen_words(behind: Iterable[Feed], view: View) -> str:
    return " and ".join(_words(each.source, each.reached(view.now)) for each in behind)


def _words(source: str, reached: datetime | None) -> str:
    if reached is None:
        return f"the source {source} has not been seen yet"
    return f"the source {source} is only seen until {reached:%Y-%m-%d %H:%M} UTC"
