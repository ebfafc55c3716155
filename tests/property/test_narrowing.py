"""What the database says of a condition never contradicts the reference, on random books and conditions."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from engine.clock.durations import Duration
from engine.clock.zones import zone
from engine.conditions.catalogue import BUILT_IN, Field, FieldType, Kind, Value
from engine.conditions.evaluate import evaluate
from engine.conditions.narrowing import bounds
from engine.conditions.operators import OPERATORS, Argument, Operator
from engine.conditions.tree import Comparison, Condition, Crossing, Derived, Group, Predicate, Shift
from engine.fold.needs import needs
from engine.fold.view import BookView
from engine.narrow.columns import SubjectColumns
from engine.rulefile.model import Playbook
from engine.state.book import Dossier, Needs, Start
from engine.state.book_reader import BookReader
from engine.state.database import open_database, reading
from engine.state.entries import Entry, EventEntry
from engine.state.ingest import ingest
from tests.conftest import empty

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ACCOUNTS = 60
EVENTS = ("login", "outage")
PLANS = ("trial", "pro", None, "trial")
PLAN, SEATS = Field(Kind.EVENT, "plan", FieldType.TEXT), Field(Kind.EVENT, "seats", FieldType.NUMBER)
IS_TRIAL = Predicate("equals", "", field=PLAN, value="trial")
CARRIED = (
    None,
    IS_TRIAL,
    Group("none", (IS_TRIAL, Predicate("below", "", field=SEATS, value=Decimal(0))), ""),
)
ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "America/New_York", None)

CUSTOM = [
    Field(kind, name, type_, is_custom=True)
    for kind in (Kind.ACCOUNT, Kind.CONTACT)
    for name, type_ in (
        ("tier", FieldType.TEXT),
        ("score", FieldType.NUMBER),
        ("vip", FieldType.FLAG),
        ("signed_on", FieldType.DATE),
        ("seen_at", FieldType.INSTANT),
    )
]
CATALOGUE = BUILT_IN.extended([*CUSTOM, Field(Kind.METRIC, "logins", FieldType.NUMBER)])
FIELDS = [
    CATALOGUE.get(path)
    for path in (
        "account.health", "account.adoption", "account.usage", "account.usage_limit", "account.strategic",
        "account.renews_on", "account.last_touch_at", "account.plan", "account.segment", "metric.logins",
        "contact.nps", "contact.role", "contact.title", "contact.last_touch_at",
    )
] + CUSTOM  # fmt: skip

_NUMBERS = [Decimal(each) for each in ("0", "-0.5", "39.999999", "40", "40.000001", "80", "100", "-12.25")]
_LARGE = Decimal("999999999999.999999")
_TEXTS = ["pro", "Pro", "PRO", "a%b", "a_b", "a~b", "Straße", "STRASSE", "日本", "x" * 300, "\t", "K"]
_PATTERNS = ["*", "p*", "*%*", "*a*", "*_*", "str*", "\u212a", "*~b", "x*x", "*?" * 5, "x" * 1_001]
_TICK = timedelta(microseconds=1)


def some_value(random: Random, field: Field) -> Value:
    """A value of the field's type, often one of a few, so that equality and edges are met."""
    if field.type.is_numeric:
        return random.choice([*_NUMBERS, _LARGE, Decimal(random.randint(-200, 200))])
    match field.type:
        case FieldType.FLAG:
            return random.random() < 0.5
        case FieldType.DATE:
            return date(2026, 3, 10) + timedelta(days=random.randint(-8, 8))
        case FieldType.INSTANT:
            return NOW + random.choice(
                [-_TICK, timedelta(0), _TICK, timedelta(hours=random.randint(-90, 90))]
            )
        case FieldType.ENUM:
            return random.choice(field.choices)
    return random.choice(_TEXTS)


def fill(database: Engine) -> None:
    """A book of accounts with contacts, metrics, events and some past, late values among it."""
    random = Random(11)
    entries: list[Entry] = []
    events: list[EventEntry] = []
    for number in range(ACCOUNTS):
        name = f"a{number}"
        entries += _entries(random, Kind.ACCOUNT, name, name)
        for index in range(random.randint(0, 2)):
            entries += _entries(random, Kind.CONTACT, f"{name}-c{index}", name)
        for _ in range(random.randint(0, 4)):
            when = _instant(random)
            entries.append(
                Entry(Kind.METRIC, f"{name}:logins", name, {"value": random.choice(_NUMBERS)}, when, when)
            )
        for index in range(random.randint(0, 6)):
            when = _instant(random)
            late = random.choice([timedelta(0), timedelta(hours=5)])
            recorded = min(when + late, NOW)
            kind = random.choice(EVENTS)
            carries = {"plan": PLANS[index % len(PLANS)], "seats": index * 2 - 3}
            events.append(EventEntry(f"{name}-e{index}", name, kind, when, recorded, None, carries))
    assert not ingest(database, CATALOGUE, entries, events, source="test").rejected


def _instant(random: Random) -> datetime:
    """Some time before NOW, at times just where a window of whole days begins."""
    if random.random() < 0.4:
        return NOW - timedelta(days=random.randint(0, 10)) - random.choice([timedelta(0), _TICK])
    return NOW - timedelta(minutes=random.randint(0, 15_000))


def _entries(random: Random, kind: Kind, identity: str, account_id: str) -> Iterator[Entry]:
    founded = NOW - timedelta(days=30)
    zoned: dict[str, Value | None] = {"timezone": random.choice(ZONES)} if kind is Kind.ACCOUNT else {}
    yield Entry(kind, identity, account_id, zoned, founded, founded)
    mine = [each for each in FIELDS if each.kind is kind]
    for _ in range(3):
        when = _instant(random)
        recorded = random.choice([when, when, min(when + timedelta(days=2), NOW)])
        values = {
            each.name: random.choice([None, *[some_value(random, each)] * 4])
            for each in mine
            if random.random() < 0.5
        }
        yield Entry(kind, identity, account_id, values, when, recorded)


IN_RUNS = frozenset({"step_is", "step_outcome", "event_since"})
EVENTFUL = (Argument.EVENT, Argument.EVENT_WINDOW, Argument.EVENT_SINCE, Argument.EVENT_COUNT)
WHERES = ("equals", "not_in", "below", "is_set", "contains", "drops_below", "days_since", "event_within")


DATED = [each for each in FIELDS if each.type.is_temporal]


def question(keyword: str, seed: int, is_share: bool) -> Predicate:
    """A predicate of that operator, about the fields of the book."""
    row, random = OPERATORS[keyword], Random(seed)
    path, window = f"when.{seed}", Duration(random.randint(1, 10), "d")
    if row.argument in EVENTFUL:
        count = Decimal(random.randint(1, 4)) if row.argument is Argument.EVENT_COUNT else None
        event, where = random.choice(EVENTS), random.choice(CARRIED)
        return Predicate(keyword, path, event=event, value=count, window=window, where=where)
    if keyword in IN_RUNS:
        return Predicate(keyword, path, step="call", value="open")
    if row.argument in COMPARED and FieldType.NUMBER in row.types and random.random() < 0.3:
        return _derived(random, row, path)
    field = random.choice([each for each in FIELDS if each.type in row.types])
    if row.takes_of and field.type.is_numeric and is_share:
        of = random.choice([each for each in FIELDS if each.type.is_numeric])
        share = random.choice(["80", "100", "33.333333", "250"])
        return Predicate(keyword, path, field=field, value=Decimal(share), of=of)
    value, recovers_at = _argument(random, row, field)
    has_window = row.argument in (Argument.SHIFT, Argument.CHANGED)
    return Predicate(
        keyword,
        path,
        field=field,
        value=value,
        otherwise=random.choice([None, *DATED]) if row.argument is Argument.DAYS_SINCE else None,
        recovers_at=recovers_at,
        window=window if has_window else None,
    )


COMPARED = (Argument.VALUE, Argument.VALUES, Argument.RANGE)


def _derived(random: Random, row: Operator, path: str) -> Predicate:
    """A comparison of a count or sum over the account's contacts, or of a count of its events."""
    wanted = [Decimal(random.choice([0, 1, 2, 3, 40, 80])) for _ in range(3)]
    value = {
        Argument.VALUE: wanted[0],
        Argument.VALUES: tuple(wanted),
        Argument.RANGE: (min(wanted), max(wanted)),
    }[row.argument]
    if random.random() < 0.2:
        window = Duration(random.randint(1, 10), "d")
        summed, where = random.choice([None, None, SEATS]), random.choice(CARRIED)
        counted = Derived(None, where, summed, random.choice(EVENTS), window)
    else:
        where = question(random.choice(WHERES), random.randrange(1_000), random.random() < 0.3)
        nps = CATALOGUE.get("contact.nps") if random.random() < 0.4 else None
        counted = Derived(Kind.CONTACT, random.choice([None, where, Group("none", (where,), "w")]), nps)
    return Predicate(row.keyword, path, value=value, derived=counted)


def _argument(random: Random, row: Operator, field: Field) -> tuple[Any, Decimal | None]:
    """What may stand after the operator, and where it recovers."""
    match row.argument:
        case Argument.VALUES:
            return tuple(some_value(random, field) for _ in range(random.randint(1, 3))), None
        case Argument.RANGE:
            return (some_value(random, field), some_value(random, field)), None
        case Argument.DAYS | Argument.DAYS_SINCE:
            return _days(random), None
        case Argument.CROSSING:
            return Crossing((random.choice(_NUMBERS),)), None
        case Argument.SHIFT:
            return Shift(Decimal(random.choice([1, 20, 50, 100, 150])), random.random() < 0.5), None
        case Argument.THRESHOLD:
            value, away = random.choice(_NUMBERS), Decimal(random.choice([0, 10, 60]))
            return value, value + away * (1 if row.keyword == "drops_below" else -1)
        case Argument.TEXT_PART | Argument.PATTERN:
            return random.choice([*_TEXTS, *_PATTERNS]), None
        case Argument.PRESENCE | Argument.CHANGE:
            return None, None
    return some_value(random, field), None


def _days(random: Random) -> Comparison:
    low, high = random.randint(-8, 8), random.randint(-8, 8)
    if random.random() < 0.3:
        return Comparison("between", low, high)
    return Comparison(random.choice(["equals", "below", "at_most", "above", "at_least"]), low)


questions = st.builds(question, st.sampled_from(sorted(OPERATORS)), st.integers(0, 100_000), st.booleans())


def groups(members: st.SearchStrategy[Condition]) -> st.SearchStrategy[Group]:
    """A group of a few members."""
    few = st.lists(members, min_size=1, max_size=3).map(tuple)
    return st.builds(Group, st.sampled_from(["all", "any", "none"]), few, st.just("when"))


conditions: st.SearchStrategy[Condition] = st.one_of(questions, st.recursive(questions, groups, max_leaves=6))


class Filled:
    """One filled database, with every account as it was read for a condition."""

    def __init__(self, database: Engine) -> None:
        self.database = database
        self.ids = [f"a{number}" for number in range(ACCOUNTS)]
        fill(database)

    def views(self, condition: Condition, at: datetime = NOW) -> dict[str, BookView]:
        """What the condition sees of each contact."""
        with reading(self.database) as connection:
            starts = {each: Start(at) for each in self.ids}
            found = BookReader(CATALOGUE, _needs(condition)).read(connection, starts, late_at=at)
        return {subject: view for each in found.values() for subject, view in _views(each, at)}

    def answers(self, condition: Condition, at: datetime = NOW) -> dict[str, Any]:
        """By contact, the bounds that the database gives, and when they may change."""
        columns = SubjectColumns(Kind.CONTACT, at, self.database.dialect.name == "sqlite")
        found = bounds(condition, columns)
        asked = [found.low, found.high, found.always, found.ever, *found.turns_true, *found.turns_false]
        query = select(columns.subject.c.id, *(each.label(f"c{n}") for n, each in enumerate(asked)))
        with reading(self.database) as connection:
            rows = connection.execute(query.select_from(columns.source)).all()
        true = len(found.turns_true)
        return {row[0]: (_verdicts(row[1:5]), row[5 : 5 + true], row[5 + true :]) for row in rows}


def _verdicts(found: Sequence[Any]) -> list[bool | None]:
    """SQLite has numbers where PostgreSQL has truth."""
    return [None if each is None else bool(each) for each in found]


def _needs(condition: Condition) -> Needs:
    return needs([Playbook("p", "P", "cs", Kind.CONTACT, (), "p.yaml", "1", when=condition)])


def _views(dossier: Dossier, at: datetime) -> Iterator[tuple[str, BookView]]:
    book = dossier.book
    tz = zone(str(book.account.get("timezone") or "UTC"))
    for subject in book.ids(Kind.CONTACT):
        yield subject, BookView(book, Kind.CONTACT, subject, at, tz)


@pytest.fixture(scope="module")
def sqlite_book(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """The book on SQLite."""
    file = tmp_path_factory.mktemp("narrowing") / "tminus.db"
    shutil.copyfile(sqlite_template, file)
    database = open_database(f"sqlite:///{file}")
    yield Filled(database)
    database.dispose()


@pytest.fixture(scope="module")
def postgresql_book(postgresql_schema: tuple[str, Engine]) -> Iterator[Filled]:
    """The book on PostgreSQL."""
    database = open_database(postgresql_schema[0])
    yield Filled(database)
    database.dispose()
    empty(postgresql_schema[1])


@pytest.fixture(params=["sqlite", "postgresql"])
def book(request: pytest.FixtureRequest) -> Filled:
    """The book on each kind of database."""
    return request.getfixturevalue(f"{request.param}_book")  # type: ignore[no-any-return]


_ORDER = {False: 0, None: 1, True: 2}


def assert_narrowed(condition: Condition, filled: Filled, later: datetime) -> None:
    """The bounds hold the reference's answer now, and later too, and no turn of it comes unannounced."""
    answers = filled.answers(condition)
    views = filled.views(condition)
    assert answers.keys() == views.keys()
    for subject, view in views.items():
        (low, high, always, ever), turns_true, turns_false = answers[subject]
        verdict = evaluate(condition, view)
        assert _ORDER[low] <= _ORDER[verdict] <= _ORDER[high], subject
        then = evaluate(condition, replace(view, now=later))
        assert _ORDER[always] <= _ORDER[then] <= _ORDER[ever], subject
        if then is True and high is not True:
            assert any(each is not None and each <= later for each in turns_true), subject
        if then is False and low is not False:
            assert any(each is not None and each <= later for each in turns_false), subject


laters = st.one_of(
    st.integers(0, 12).map(lambda days: NOW + timedelta(days=days)),
    st.integers(0, 12).map(lambda days: NOW + timedelta(days=days, microseconds=1)),
    st.integers(1, 17_000).map(lambda minutes: NOW + timedelta(minutes=minutes)),
)


@settings(max_examples=150)
@given(conditions, laters)
def test_database_never_contradicts_the_reference(
    book: Filled, condition: Condition, later: datetime
) -> None:
    """A no is false and a yes is true, for every contact of the book, and time brings no surprise."""
    assert_narrowed(condition, book, later)


@pytest.mark.soak
@settings(max_examples=1_000)
@given(conditions, laters)
def test_database_never_contradicts_the_reference_at_length(
    book: Filled, condition: Condition, later: datetime
) -> None:
    """More of the above."""
    assert_narrowed(condition, book, later)


@pytest.mark.parametrize("keyword", sorted(set(OPERATORS) - IN_RUNS))
def test_every_operator_is_narrowed(sqlite_book: Filled, keyword: str) -> None:
    """Each operator that has answers is sure of some of them, and not of the opposite of others."""
    found: set[tuple[bool | None, bool | None]] = set()
    draws = Random(3)
    for _ in range(40):
        condition = question(keyword, draws.randrange(10_000), draws.random() < 0.2)
        found |= {(low, high) for (low, high, *_), _, _ in sqlite_book.answers(condition).values()}
    if OPERATORS[keyword].is_moment:
        assert found == {(None, None)}
    else:
        assert any(high is False for _, high in found)
        assert any(high is True for _, high in found)
