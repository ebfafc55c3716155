"""Account fields computed from what else is known, at every instant at which that changes.

The inputs are applied in the order in which they became known, so no value holds anything from its future.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from engine.conditions.catalogue import Kind, Value
from engine.sources.mapping import Derivation
from engine.state.entries import Entry, EventEntry

_Input = Entry | EventEntry


@dataclass(slots=True)
class _Known:
    """What is known of one account at an instant."""

    subjects: dict[Kind, dict[str, dict[str, Value | None]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    times: dict[tuple[Kind, str, str], datetime] = field(default_factory=dict)
    """Since when each field has its value."""
    marks: dict[str, list[tuple[datetime, Value]]] = field(default_factory=lambda: defaultdict(list))
    """What was said of a field or a property of events, by path, in the order of effective times."""


def derive(
    account_id: str,
    derivations: Sequence[Derivation],
    entries: Iterable[Entry],
    events: Iterable[EventEntry],
    horizon: datetime,
) -> Iterator[Entry]:
    """Entries of the derived fields of one account, one for each instant at which any of them changes.

    Values that fall out of a stretch do so at the instant they do, up to `horizon`.
    """
    known = _Known()
    account = known.subjects[Kind.ACCOUNT][account_id]
    current: dict[str, Value | None] = {}
    for instant, inputs in _instants(derivations, [*entries, *events], horizon):
        for each in inputs:
            _apply(known, each)
        changed: dict[str, Value | None] = {}
        touched = {each.name if isinstance(each, EventEntry) else each.kind for each in inputs}
        for derivation in derivations:
            name = derivation.field.name
            if name in account and not _may_change(derivation, touched):
                continue
            account[name] = value = _value(derivation, known, instant)
            if value != current.get(name):
                changed[name] = current[name] = value
        if changed:
            yield Entry(Kind.ACCOUNT, account_id, account_id, changed, instant, instant)


def _instants(
    derivations: Sequence[Derivation], inputs: Sequence[_Input], horizon: datetime
) -> Iterator[tuple[datetime, list[_Input]]]:
    """Every instant at which something becomes known or falls out of a stretch, with what becomes known."""
    ordered = sorted(inputs, key=lambda each: (each.applies_at, _effective_at(each)))
    arriving = {instant: list(part) for instant, part in groupby(ordered, key=lambda each: each.applies_at)}
    leaving = {
        _effective_at(each) + derivation.within
        for derivation in derivations
        if derivation.within is not None
        for each in inputs
        if _concerns(derivation, each) and _effective_at(each) + derivation.within > each.applies_at
    }
    for instant in sorted({*arriving, *(each for each in leaving if each <= horizon)}):
        yield instant, arriving.get(instant, [])


def _may_change(derivation: Derivation, touched: Collection[str]) -> bool:
    """Whether the value can differ now. Stretches lose what leaves them; bands follow other fields."""
    if derivation.within is not None or derivation.operation == "bands":
        return True
    return (derivation.event or derivation.kind) in touched


def _concerns(derivation: Derivation, said: _Input) -> bool:
    if isinstance(said, EventEntry):
        return derivation.event == said.name
    return derivation.kind is said.kind and derivation.name in said.values


def _effective_at(said: _Input) -> datetime:
    return said.effective_at if isinstance(said, Entry) else said.occurred_at


def _apply(known: _Known, said: _Input) -> None:
    if isinstance(said, EventEntry):
        insort(known.marks[said.name], (said.occurred_at, Decimal(1)), key=_time_of_mark)
        for name, value in (said.properties or {}).items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            mark = said.occurred_at, Decimal(str(value)) if is_number else value
            insort(known.marks[f"{said.name}.{name}"], mark, key=_time_of_mark)
        return
    values = known.subjects[said.kind][said.id]
    for name, value in said.values.items():
        key = said.kind, said.id, name
        if value is not None:
            insort(known.marks[f"{said.kind}.{name}"], (said.effective_at, value), key=_time_of_mark)
        if key not in known.times or known.times[key] <= said.effective_at:
            known.times[key] = said.effective_at
            values[name] = value


def _time_of_mark(mark: tuple[datetime, Value]) -> datetime:
    return mark[0]


def _value(derivation: Derivation, known: _Known, instant: datetime) -> Value | None:
    if derivation.operation == "bands":
        return _band(derivation, known)
    if derivation.kind is None or derivation.within is not None or derivation.operation == "last":
        return _of_marks(derivation, *_marks(derivation, known, instant))
    return _of_subjects(derivation, known)


def _band(derivation: Derivation, known: _Known) -> Value | None:
    """The highest step that the value reaches; missing below the lowest, and for a missing value."""
    (account,) = known.subjects[Kind.ACCOUNT].values()
    value = account.get(derivation.name)
    reached = [band for low, band in derivation.steps if value is not None and low <= value]  # type: ignore[operator]
    return reached[-1] if reached else None


_Marks = Sequence[tuple[datetime, Value]]


def _marks(derivation: Derivation, known: _Known, instant: datetime) -> tuple[_Marks, bool]:
    """The marks that count at the instant, and whether there was ever one."""
    first = derivation.event or str(derivation.kind)
    marks = known.marks[f"{first}.{derivation.name}" if derivation.name else first]
    if derivation.within is None:
        return marks, bool(marks)
    return marks[bisect_right(marks, instant - derivation.within, key=_time_of_mark) :], bool(marks)


def _of_marks(derivation: Derivation, marks: _Marks, was_ever: bool) -> Value | None:
    """A sum is missing until something was said, then 0 over a stretch without anything."""
    match derivation.operation:
        case "count":
            return Decimal(len(marks))
        case "sum":
            return sum((_decimal(value) for _, value in marks), Decimal(0)) if was_ever else None
        case "average":
            return _mean([_decimal(value) for _, value in marks])
        case "earliest" | "latest" if not derivation.name:
            return marks[0 if derivation.operation == "earliest" else -1][0] if marks else None
        case "earliest":
            return min((value for _, value in marks), default=None)
        case "latest":
            return max((value for _, value in marks), default=None)
    return marks[-1][1] if marks else None


def _of_subjects(derivation: Derivation, known: _Known) -> Value | None:
    """Over the subjects that count now. A sum is missing until there is a subject, then at least 0."""
    assert derivation.kind is not None
    subjects = known.subjects.get(derivation.kind, {})
    counted = [each for each in subjects.values() if _counts(derivation, each)]
    if derivation.operation == "count":
        named = [each for each in counted if not derivation.name or each.get(derivation.name) is not None]
        return Decimal(len(named))
    values = [value for each in counted if (value := each.get(derivation.name)) is not None]
    match derivation.operation:
        case "sum":
            return sum(map(_decimal, values), Decimal(0)) if subjects else None
        case "average":
            return _mean(list(map(_decimal, values)))
        case "earliest":
            return min(values, default=None)
    return max(values, default=None)


def _counts(derivation: Derivation, values: Mapping[str, Value | None]) -> bool:
    return all(values.get(name) in wanted for name, wanted in derivation.where)


def _decimal(value: Value) -> Decimal:
    assert isinstance(value, Decimal)
    return value


def _mean(values: Sequence[Decimal]) -> Decimal | None:
    return round(sum(values, Decimal(0)) / len(values), 6) if values else None
