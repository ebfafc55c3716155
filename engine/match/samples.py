"""Made-up subjects at the edges of a condition, for the self-test of the matching engine."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from engine.conditions.catalogue import Field, FieldType, Value
from engine.conditions.operators import OPERATORS, Argument
from engine.conditions.tree import Comparison, Condition, Derived, Predicate, Shift, Stream, predicates
from engine.conditions.view import Extent, Held
from engine.match.synthetic import NOON, Sample, SyntheticView

_SMALLEST = Decimal("0.000001")
_HUNDRED = Decimal(100)


Choices: TypeAlias = dict[bool | None, Sample]


def views(condition: Condition) -> Iterator[SyntheticView]:
    """Subjects at, around and without every boundary of the condition; its predicate then decides."""
    chosen = {id(each): _choices(each) for each in predicates(condition)}
    for predicate in predicates(condition):
        for sample in samples(predicate):
            view = SyntheticView()
            _let_decide(condition, predicate, chosen, view)
            sample.apply(view)
            yield view


def _choices(predicate: Predicate) -> Choices:
    """For either answer a sample on which the predicate gives it, where there is one."""
    evaluate = OPERATORS[predicate.operator].evaluate
    found: Choices = {}
    for sample in samples(predicate):
        view = SyntheticView()
        sample.apply(view)
        found.setdefault(evaluate(predicate, view), sample)
    return found


def _let_decide(
    condition: Condition, pivot: Predicate, chosen: Mapping[int, Choices], view: SyntheticView
) -> None:
    """Give the other predicates values under which the pivot's answer settles the condition."""
    if isinstance(condition, Predicate):
        return
    for member in condition.members:
        if any(each is pivot for each in predicates(member)):
            _let_decide(member, pivot, chosen, view)
        else:
            _let_be(member, condition.kind == "all", chosen, view)


def _let_be(condition: Condition, wanted: bool, chosen: Mapping[int, Choices], view: SyntheticView) -> None:
    """Give every predicate below a value that makes the condition true, or false."""
    if isinstance(condition, Predicate):
        chosen[id(condition)].get(wanted, Sample()).apply(view)
        return
    for member in condition.members:
        _let_be(member, wanted is not (condition.kind == "none"), chosen, view)


def samples(predicate: Predicate) -> list[Sample]:
    """What this one predicate can see: below, at and above each of its boundaries, and nothing."""
    value: Any = predicate.value
    if predicate.derived is not None:
        return _derived_samples(predicate, predicate.derived)
    match OPERATORS[predicate.operator].argument:
        case Argument.VALUE if predicate.of is not None:
            return _share_samples(predicate, predicate.of)
        case Argument.VALUE | Argument.CHOICE | Argument.TEXT_PART | Argument.PATTERN:
            return _value_samples(predicate, (value,))
        case Argument.VALUES | Argument.RANGE:
            return _value_samples(predicate, value)
        case Argument.PRESENCE | Argument.CHANGE:
            return _value_samples(predicate, (_any_value(predicate),))
        case Argument.CHANGED:
            return [Sample(changes={predicate.path: each}) for each in (NOON, None)]
        case Argument.CROSSING:
            return _value_samples(predicate, value.thresholds)
        case Argument.THRESHOLD:
            return [Sample(latches={predicate.path: each}) for each in (True, False, None)]
        case Argument.SHIFT:
            return _shift_samples(predicate, value)
        case Argument.EVENT_COUNT:
            return _count_samples(predicate, int(value))
        case Argument.DAYS | Argument.DAYS_SINCE:
            return _day_samples(predicate, value)
        case Argument.EVENT_SINCE:
            return _since_samples(_stream(predicate))
        case Argument.EVENT | Argument.EVENT_WINDOW:
            return _event_samples(predicate)
        case Argument.STEP_STATE:
            return [Sample(states={predicate.step or "": each}) for each in (value, "another", None)]
        case Argument.STEP_OUTCOME:
            return _outcome_samples(predicate.step or "", value)


def _share_samples(predicate: Predicate, of: Field) -> list[Sample]:
    assert predicate.field is not None
    wanted: Any = predicate.value
    pairs = [
        *((each, _HUNDRED) for each in _neighbours(wanted)),
        (wanted, None),
        (wanted, Decimal(0)),
        (None, _HUNDRED),
    ]
    return [Sample(values={predicate.field.path: part, of.path: whole}) for part, whole in pairs]


def _value_samples(predicate: Predicate, wanted: tuple[Value, ...]) -> list[Sample]:
    assert predicate.field is not None
    seen = dict.fromkeys(near for each in wanted for near in _neighbours(each))
    return [Sample(values={predicate.field.path: each}) for each in (*seen, None)]


def _derived_samples(predicate: Predicate, derived: Derived) -> list[Sample]:
    """Around every boundary: the number, and ranges that lie on one side of it or on both."""
    wanted: Any = predicate.value
    numbers = [_as_number(near) for each in _listed(wanted) for near in _neighbours(each)]
    extents = [Extent(each, each) for each in numbers]
    extents += [Extent(min(numbers), max(numbers)), Extent(min(numbers), None), Extent(None, None)]
    whole = {} if predicate.of is None else {predicate.of.path: _HUNDRED}
    found = [Sample(extents={derived.path: each}, values=whole) for each in extents]
    if predicate.of is not None:
        found.append(Sample(extents={derived.path: extents[0]}, values={predicate.of.path: Decimal(0)}))
    return found


def _listed(wanted: Any) -> tuple[Value, ...]:
    return wanted if isinstance(wanted, tuple) else (wanted,)


def _neighbours(value: Value) -> list[Value]:
    """The value and what lies nearest to it on both sides."""
    if isinstance(value, bool):
        return [value, not value]
    if isinstance(value, Decimal):
        return [value - _SMALLEST, value, value + _SMALLEST]
    if isinstance(value, date):
        return _neighbouring_times(value)
    return [value, value + "x", value.swapcase(), ""]


def _neighbouring_times(value: date) -> list[Value]:
    step = timedelta(microseconds=1) if isinstance(value, datetime) else timedelta(days=1)
    found: list[Value] = [value]
    for sign in (-1, 1):
        with suppress(OverflowError):
            found.append(value + sign * step)
    return found


def _any_value(predicate: Predicate) -> Value:
    assert predicate.field is not None
    match predicate.field.type:
        case FieldType.FLAG:
            return False
        case FieldType.DATE:
            return NOON.date()
        case FieldType.INSTANT:
            return NOON
        case kind if kind.is_numeric:
            return Decimal(0)
    return "text"


def _day_samples(predicate: Predicate, wanted: Comparison) -> list[Sample]:
    assert predicate.field is not None
    sign = 1 if predicate.operator == "days_until" else -1
    ends = [wanted.low] if wanted.high is None else [wanted.low, wanted.high]
    numbers = dict.fromkeys(end + step for end in ends for step in (-1, 0, 1))
    is_date = predicate.field.type is FieldType.DATE
    found: list[Sample] = [Sample(values={predicate.field.path: None})]
    for number in numbers:
        with suppress(OverflowError):
            instant = NOON + timedelta(days=sign * number)
            found.append(Sample(values={predicate.field.path: instant.date() if is_date else instant}))
    return found


def _event_samples(predicate: Predicate) -> list[Sample]:
    stream = _stream(predicate)
    ages: list[timedelta] = [timedelta(0)]
    if predicate.window is not None:
        span, tick = predicate.window.elapsed, timedelta(microseconds=1)
        ages = [span + tick, span, max(span - tick, timedelta(0))]
    return [
        Sample(events={stream: None}),
        *(Sample(events={stream: NOON - age}) for age in ages),
        *_doubtful(stream),
    ]


def _doubtful(stream: Stream) -> list[Sample]:
    """One event of which it is unknown whether it is meant, where there can be such."""
    return [] if stream.is_plain else [Sample(events={stream: None}, doubtful={stream: NOON})]


def _stream(predicate: Predicate) -> Stream:
    assert predicate.stream is not None
    return predicate.stream


def _since_samples(stream: Stream) -> list[Sample]:
    tick = timedelta(microseconds=1)
    events: list[datetime | None] = [None, NOON, NOON + tick]
    return [Sample(), *(Sample(events={stream: each}, started_at=NOON) for each in events)]


def _shift_samples(predicate: Predicate, wanted: Shift) -> list[Sample]:
    assert predicate.field is not None
    sign = 1 if predicate.operator == "drops_by" else -1
    held = Held(_HUNDRED, None)
    pairs: list[tuple[Decimal | None, Held | None]] = [
        *((_HUNDRED - sign * each, held) for each in map(_as_number, _neighbours(wanted.amount))),
        (Decimal(0), Held(Decimal(0), None)),
        (_HUNDRED, held),
        (None, held),
        (_HUNDRED, None),
    ]
    path = predicate.field.path
    return [Sample(values={path: value}, extremes={predicate.path: each}) for value, each in pairs]


def _as_number(value: Value) -> Decimal:
    assert isinstance(value, Decimal)
    return value


def _count_samples(predicate: Predicate, least: int) -> list[Sample]:
    assert predicate.window is not None
    start, tick = NOON - predicate.window.elapsed, timedelta(microseconds=1)
    counts = [[], [start] * least, [start - tick, *([start] * (least - 1))], [NOON] * (least + 1)]
    return [Sample(times={_stream(predicate): each}) for each in counts]


def _outcome_samples(step: str, wanted: str) -> list[Sample]:
    chosen = [Sample(states={step: "done"}, outcomes={step: each}) for each in (wanted, "another", None)]
    return [*chosen, Sample(states={step: None}, outcomes={step: None})]
