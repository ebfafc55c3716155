"""durable-rules and the reference evaluator agree on random conditions and facts."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock.durations import Duration
from engine.conditions.catalogue import BUILT_IN, Field, FieldType, Kind, Value
from engine.conditions.evaluate import evaluate
from engine.conditions.form import OutsideEnvelope
from engine.conditions.operators import OPERATORS, Argument
from engine.conditions.tree import Comparison, Condition, Crossing, Derived, Group, Predicate, Shift, Stream
from engine.conditions.view import Extent, Held
from engine.match.compile import rules_of
from engine.match.question import question
from engine.match.shard import Shard
from engine.match.synthetic import SyntheticView

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TEXTS = ["high_touch", "High_touch", "", " ", "true", "4", 'a"b', "a\\b", "\n", "日本", "x" * 300, "#"]
NUMBERS = ["0", "1", "-1", "39.999999", "40", "40.000001", "79.999999", "80", "100", "999999999999.999999"]
FIELDS: dict[FieldType, list[Field]] = {
    kind: [each for each in BUILT_IN.fields.values() if each.type is kind][:3] for kind in FieldType
}
SOME_FIELDS = [field for fields in FIELDS.values() for field in fields]

numbers = st.one_of(
    st.sampled_from(NUMBERS).map(Decimal),
    st.decimals(-(10**12) + 1, 10**12 - 1, places=6, allow_nan=False, allow_infinity=False),
)
dates = st.integers(-400, 400).map(lambda days: date(2026, 3, 10) + timedelta(days=days))
instants = st.one_of(
    st.integers(-3, 3).map(lambda ticks: NOW + timedelta(microseconds=ticks)),
    st.integers(-(10**8), 10**8).map(lambda seconds: NOW + timedelta(seconds=seconds)),
)


def values(kind: FieldType) -> st.SearchStrategy[Value]:
    """Values of a type, often the same few, so that equality and boundaries are met."""
    if kind.is_numeric:
        return numbers
    by_type: dict[FieldType, st.SearchStrategy[Value]] = {
        FieldType.FLAG: st.booleans(),
        FieldType.DATE: dates,
        FieldType.INSTANT: instants,
    }
    return by_type.get(kind, st.one_of(st.sampled_from(TEXTS), st.text(max_size=5)))


windows = st.builds(Duration, st.integers(0, 40), st.sampled_from(["min", "h", "d", "w"]))
comparisons = st.one_of(
    st.builds(
        Comparison,
        st.sampled_from(["equals", "below", "at_most", "above", "at_least"]),
        st.integers(-40, 400),
    ),
    st.builds(Comparison, st.just("between"), st.integers(-40, 400), st.integers(-40, 400)),
)
steps = st.sampled_from(["call", "mail"])
events = st.sampled_from(["login", "cancel_requested"])
IS_TRIAL = Predicate("equals", "", field=Field(Kind.EVENT, "plan", FieldType.TEXT), value="trial")
wheres = st.sampled_from([None, IS_TRIAL])
STREAMS = [Stream(name, where) for name in ("login", "cancel_requested") for where in (None, IS_TRIAL)]


DERIVED = [Derived(Kind.CONTACT), Derived(Kind.TICKET, summed=BUILT_IN.get("ticket.csat"))]
_ARGUMENTS_OF_DERIVED = (Argument.VALUE, Argument.VALUES, Argument.RANGE)
extents = st.sampled_from([None, 0, 1, 2, 4]).flatmap(
    lambda low: st.sampled_from([None, 0, 1, 2]).map(
        lambda more: Extent(
            None if low is None else Decimal(low), None if more is None else Decimal((low or 0) + more)
        )
    )
)


@st.composite
def predicates(draw: Callable[..., Any]) -> Predicate:
    """Any predicate that a rule file could hold."""
    row = OPERATORS[draw(st.sampled_from(sorted(OPERATORS)))]
    path = f"when.{draw(st.integers(0, 3))}"
    if row.argument in (Argument.EVENT, Argument.EVENT_WINDOW):
        return Predicate(row.keyword, path, event=draw(events), window=draw(windows), where=draw(wheres))
    if row.argument is Argument.EVENT_SINCE:
        return Predicate(row.keyword, path, event=draw(events), where=draw(wheres))
    if row.argument is Argument.EVENT_COUNT:
        count = Decimal(draw(st.integers(1, 4)))
        event, window, where = draw(events), draw(windows), draw(wheres)
        return Predicate(row.keyword, path, event=event, value=count, window=window, where=where)
    if row.argument in (Argument.STEP_STATE, Argument.STEP_OUTCOME):
        return Predicate(row.keyword, path, step=draw(steps), value=draw(st.sampled_from(["open", "done"])))
    if row.argument in _ARGUMENTS_OF_DERIVED and draw(st.booleans()):
        counts = st.integers(0, 4).map(Decimal)
        value = {
            Argument.VALUE: counts,
            Argument.VALUES: st.lists(counts, min_size=1, max_size=4).map(tuple),
            Argument.RANGE: st.tuples(counts, counts),
        }[row.argument]
        return Predicate(row.keyword, path, derived=draw(st.sampled_from(DERIVED)), value=draw(value))
    kind = draw(st.sampled_from(sorted(row.types)))
    field = draw(st.sampled_from(FIELDS[kind]))
    if row.takes_of and kind.is_numeric and draw(st.booleans()):
        share = draw(st.sampled_from(["80", "100", "33.333333"]).map(Decimal))
        return Predicate(row.keyword, path, field=field, value=share, of=draw(st.sampled_from(FIELDS[kind])))
    window = draw(windows) if row.argument in (Argument.SHIFT, Argument.CHANGED) else None
    return Predicate(row.keyword, path, field=field, value=draw(_argument(row.argument, kind)), window=window)


def _argument(argument: Argument, kind: FieldType) -> st.SearchStrategy[Any]:
    """What may stand after the operator."""
    match argument:
        case Argument.VALUES:
            return st.lists(values(kind), min_size=1, max_size=4).map(tuple)
        case Argument.RANGE:
            return st.tuples(values(kind), values(kind))
        case Argument.DAYS | Argument.DAYS_SINCE:
            return comparisons
        case Argument.CROSSING:
            return st.lists(numbers, min_size=1, max_size=3, unique=True).map(
                lambda found: Crossing(tuple(sorted(found)))
            )
        case Argument.SHIFT:
            return st.builds(Shift, numbers.map(lambda each: abs(each) or Decimal(1)), st.booleans())
        case Argument.PRESENCE | Argument.CHANGE:
            return st.none()
        case Argument.TEXT_PART | Argument.PATTERN:
            return st.sampled_from([*TEXTS, "*", "*t*", "h*h", "*4", "HIGH*"])
    return values(kind)


def groups(members: st.SearchStrategy[Condition]) -> st.SearchStrategy[Group]:
    """A group of a few members."""
    few = st.lists(members, min_size=1, max_size=4).map(tuple)
    return st.builds(Group, st.sampled_from(["all", "any", "none"]), few, st.just("when"))


conditions: st.SearchStrategy[Condition] = st.recursive(predicates(), groups, max_leaves=12)

subjects = st.builds(
    SyntheticView,
    now=st.just(NOW),
    zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]).map(ZoneInfo),
    values=st.fixed_dictionaries(
        {each.path: st.one_of(st.none(), values(each.type)) for each in SOME_FIELDS}
    ),
    extents=st.fixed_dictionaries({each.path: extents for each in DERIVED}),
    started_at=st.sampled_from([None, NOW - timedelta(days=30)]),
    latches=st.fixed_dictionaries(
        {f"when.{each}": st.sampled_from([True, False, None]) for each in range(4)}
    ),
    changes=st.fixed_dictionaries({f"when.{each}": st.sampled_from([None, NOW]) for each in range(4)}),
    events=st.fixed_dictionaries(
        {
            each: st.one_of(st.none(), st.integers(0, 60).map(lambda days: NOW - timedelta(days=days)))
            for each in STREAMS
        }
    ),
    doubtful=st.fixed_dictionaries(
        {each: st.just(NOW) for each in STREAMS if each.where and each.name == "login"}
    ),
    extremes=st.fixed_dictionaries(
        {
            f"when.{each}": st.none() | st.builds(Held, numbers | st.just(Decimal(0)), st.none())
            for each in range(4)
        }
    ),
    times=st.fixed_dictionaries(
        {
            each: st.lists(st.integers(0, 60).map(lambda days: NOW - timedelta(days=days)), max_size=5).map(
                sorted
            )
            for each in STREAMS
        }
    ),
    states=st.fixed_dictionaries(
        {each: st.sampled_from(["open", "done", None]) for each in ("call", "mail")}
    ),
    outcomes=st.fixed_dictionaries(
        {each: st.sampled_from(["open", "done", None]) for each in ("call", "mail")}
    ),
)


def borrowed(condition: Condition, view: SyntheticView, draw: Callable[..., Any]) -> None:
    """Give the subject some of the condition's own constants, so that equality and edges are met."""
    if isinstance(condition, Group):
        for member in condition.members:
            borrowed(member, view, draw)
    elif condition.field is not None and draw(st.booleans()):
        wanted = condition.value[0] if isinstance(condition.value, tuple) else condition.value
        if condition.of is not None:
            view.values[condition.of.path] = Decimal(100)
        if wanted is not None and not isinstance(wanted, Comparison | Crossing | Shift):
            view.values[condition.field.path] = wanted


def is_within_envelope(condition: Condition) -> bool:
    """Whether the matching engine may be asked about it at all."""
    try:
        rules_of(condition, "c0")
    except OutsideEnvelope:
        return False
    return True


def assert_agreement(loaded: list[Condition], seen: list[SyntheticView], draw: Callable[..., Any]) -> None:
    """One shard of all conditions, asked about every subject, answers as the reference does."""
    named = {f"rule {number}": each for number, each in enumerate(loaded) if is_within_envelope(each)}
    shard = Shard("random", named)
    asked = []
    for rule, condition in named.items():
        for view in seen:
            borrowed(condition, view, draw)
            asked.append(question(rule, "subject", condition, view, evaluate(condition, view)))
    answers = shard.answers([(each.rule, each.facts) for each in asked])
    assert answers == [each.expected for each in asked]


@given(st.data())
def test_library_agrees_with_reference(draws: st.DataObject) -> None:
    """A few random conditions in one shard, some random subjects."""
    loaded = draws.draw(st.lists(conditions, min_size=1, max_size=4))
    assert_agreement(loaded, draws.draw(st.lists(subjects, min_size=1, max_size=4)), draws.draw)


@pytest.mark.soak
@settings(max_examples=300)
@given(st.data())
def test_full_shards_agree_with_reference(draws: st.DataObject) -> None:
    """Shards of as many conditions as one may hold, with more subjects."""
    loaded = draws.draw(st.lists(conditions, min_size=20, max_size=24))
    assert_agreement(loaded, draws.draw(st.lists(subjects, min_size=5, max_size=10)), draws.draw)
