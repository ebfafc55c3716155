"""What every operator answers at its edges: the rows of docs/operators.md, each proven by a test."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

from engine.conditions.catalogue import BUILT_IN, Field, Kind, Value
from engine.conditions.feed import Advance, Feed, Feeds
from engine.conditions.tree import Predicate
from engine.fold.moments import marks
from engine.fold.view import BookView
from engine.rulefile.known import Known
from engine.rulefile.model import Guard, OnTiming
from engine.rulefile.parse_playbook import parse_playbook
from engine.runs.run import Step
from engine.state.book import Book, ChangeInput, EventInput, Past
from engine.state.flow import Flow

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TICK, HOUR, DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Edge:
    """One question, what is so, and the answer: a verdict of a state, or how often a moment happens."""

    question: str
    """As a rule file writes it."""
    situation: str
    """For people."""
    answer: bool | int | None
    now: Mapping[str, Any] = field(default_factory=dict)
    """Values of account fields; of a moment the ones before it."""
    past: tuple[tuple[timedelta, Any], ...] = ()
    """Earlier values of the question's field: how long ago, and what."""
    events: tuple[timedelta, ...] = ()
    """How long ago the question's event happened."""
    carried: tuple[Mapping[str, Any], ...] = ()
    """What each of these events carries, or of a moment the one that happens; nothing where left out."""
    new: Any = None
    """Of a moment of change: the value after it."""
    superseded: bool = False
    """Of a moment of change: whether something newer was known already."""
    step: tuple[str, str | None] | None = None
    """State and outcome of the step `call`."""
    seen: timedelta | None = None
    """How long ago the watermark of the source stands that feeds it; None where nothing lags."""
    fresh_for: timedelta | None = None
    """How long the source's values stay good after that; None for ever."""
    beginning: timedelta | None = None
    """How long the account has been there."""
    started: timedelta | None = None
    """How long ago the run started."""
    contacts: tuple[Mapping[str, Any], ...] = ()
    """The contacts of the account, each with its values."""
    subscriptions: tuple[Mapping[str, Any], ...] = ()
    zone: str = "UTC"
    at: datetime = NOW

    @property
    def predicate(self) -> Predicate:
        """The question, as the parser reads it."""
        return _read(self.question)

    @property
    def is_moment(self) -> bool:
        """Whether the answer is a number of moments."""
        return self.answer is not None and not isinstance(self.answer, bool)

    @property
    def view(self) -> BookView:
        """What the question sees."""
        steps = None if self.step is None else {"call": Step("s", "r", "acme", "call", *self.step_parts)}
        started_at = None if self.started is None else self.at - self.started
        return BookView(self.book, Kind.ACCOUNT, "acme", self.at, ZoneInfo(self.zone), steps, started_at)

    @property
    def step_parts(self) -> Any:
        """The state of the step, and its times and outcome as its row has them."""
        assert self.step is not None
        state, outcome = self.step
        return state, None, None, None, None, outcome

    @property
    def book(self) -> Book:
        """The account with its past."""
        values = _values_of(self.now)
        members = {Kind.CONTACT: self.contacts, Kind.SUBSCRIPTION: self.subscriptions}
        subjects = {
            kind: {f"{kind}-{index}": _values_of(each) for index, each in enumerate(some)}
            for kind, some in members.items()
        }
        book = Book("acme", {Kind.ACCOUNT: {"acme": values}, **subjects})
        predicate = self.predicate
        if self.seen is not None:
            book.feeds = self._feeds(predicate, self.at - self.seen)
        book.known_since = None if self.beginning is None else self.at - self.beginning
        if predicate.field is not None:
            self._remember(book, predicate.field, values)
        stream = predicate.stream
        if stream is not None and not stream.is_plain:
            book.flows[stream] = Flow(stream)
        for ago, properties in self.happened:
            book.happen(str(self.event), self.at - ago, properties)
        return book

    @property
    def happened(self) -> list[tuple[timedelta, Mapping[str, Any] | None]]:
        """How long ago each event happened, and what it carries."""
        return list(zip_longest(self.events, self.carried[: len(self.events)]))

    def _feeds(self, predicate: Predicate, watermark: datetime) -> Feeds:
        feed = Feed("usage", advances=(Advance(self.at - TICK, watermark),), fresh_for=self.fresh_for)
        if predicate.field is None:
            return Feeds(events={str(self.event): (feed,)})
        return Feeds(fields={(predicate.field.kind, predicate.field.name): (feed,)})

    @property
    def event(self) -> str | None:
        """The event the question asks about or counts."""
        derived = self.predicate.derived
        return self.predicate.event if derived is None else derived.event

    def _remember(self, book: Book, about: Field, values: Mapping[str, Value]) -> None:
        entries = [(self.at - ago, _value(each)) for ago, each in self.past]
        book.histories["acme", about.name] = [
            (when, known) for when, known in entries if isinstance(known, Decimal)
        ]
        book.courses[Kind.ACCOUNT, "acme", about.name] = [
            Past(when, when, index, known) for index, (when, known) in enumerate(entries)
        ]

    def moments(self) -> int:
        """How many moments the change or event is."""
        predicate = self.predicate
        if predicate.event is not None:
            carried = self.carried[0] if self.carried else None
            event = EventInput(self.at, self.at, "e1", str(self.new or predicate.event), None, carried)
            return len(marks(predicate, event, {}, Kind.ACCOUNT, "acme", self.book))
        assert predicate.field is not None
        name, old = predicate.field.name, _value(self.now.get(predicate.field.name))
        change = ChangeInput(
            self.at, self.at, 1, Kind.ACCOUNT, "acme", name, old, _value(self.new), self.superseded
        )
        before = {} if self.superseded else {(Kind.ACCOUNT, "acme", name): old}
        return len(marks(predicate, change, before, Kind.ACCOUNT, "acme", self.book))


def _values_of(given: Mapping[str, Any]) -> dict[str, Value]:
    values = {name: _value(each) for name, each in given.items()}
    return {name: each for name, each in values.items() if each is not None}


def _value(given: Any) -> Value | None:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return Decimal(str(given)) if is_number else given


@cache
def _read(question: str) -> Predicate:
    """The predicate of a step of a small playbook, where every question may stand."""
    text = f"""
playbook: small
owner: cs
subject: account
on: {{event: start}}
steps:
  - {{id: call, day: 0, task: {{to: csm, title: Call, outcomes: [reached, silent]}}}}
  - {{id: next, on: {question}, task: {{to: csm, title: Next}}}}
"""
    parsed = parse_playbook(
        "small.yaml",
        text,
        Known(BUILT_IN, ["csm"], Guard(25, HOUR)),
        templates=lambda path: path,
    )
    if parsed.playbook is None or parsed.problems:
        raise ValueError([str(each) for each in parsed.problems])
    timing = parsed.playbook.steps[1].timing
    assert isinstance(timing, OnTiming)
    assert isinstance(timing.condition, Predicate)
    return timing.condition


def _values() -> Iterator[Edge]:
    for keyword, below, same, above in (
        ("equals", False, True, False),
        ("not_equals", True, False, True),
        ("below", True, False, False),
        ("at_most", True, True, False),
        ("above", False, False, True),
        ("at_least", False, True, True),
    ):
        question = f"{{field: account.health, {keyword}: 40}}"
        yield Edge(question, "it is 39.999999", below, {"health": 39.999999})
        yield Edge(question, "it is 40", same, {"health": 40})
        yield Edge(question, "it is 40.000001", above, {"health": 40.000001})
        yield Edge(question, "it is missing", None)
        if keyword != "not_equals":
            share = f"{{field: account.usage, {keyword}: 80%, of: account.usage_limit}}"
            yield Edge(share, "80 of 100", same, {"usage": 80, "usage_limit": 100})
            yield Edge(share, "80 of 0: a part of zero", None, {"usage": 80, "usage_limit": 0})
            yield Edge(share, "80 of an amount that is missing", None, {"usage": 80})
    for keyword, inside in (("in", True), ("not_in", False)):
        question = f"{{field: account.plan, {keyword}: [free, pro]}}"
        yield Edge(question, "it is pro", inside, {"plan": "pro"})
        yield Edge(question, "it is Pro, with a capital", not inside, {"plan": "Pro"})
        yield Edge(question, "it is missing", None)
    question = "{field: account.health, between: [30, 40]}"
    for value, answer in ((29.999999, False), (30, True), (40, True), (40.000001, False)):
        yield Edge(question, f"it is {value}", answer, {"health": value})
    yield Edge(question, "it is missing", None)


def _texts() -> Iterator[Edge]:
    contains, matches = "{field: account.name, contains: acme}", '{field: account.name, matches: "*acme"}'
    yield Edge(contains, "it is The ACME Group", True, {"name": "The ACME Group"})
    yield Edge(contains, "it is acme", True, {"name": "acme"})
    yield Edge(contains, "it is Acm", False, {"name": "Acm"})
    yield Edge(contains, "it is missing", None)
    yield Edge(matches, "it is The ACME", True, {"name": "The ACME"})
    yield Edge(matches, "it is acme: the star stands for nothing", True, {"name": "acme"})
    yield Edge(matches, "it is The ACME Group", False, {"name": "The ACME Group"})
    yield Edge(matches, "it is missing", None)
    for keyword, set_ in (("is_set", True), ("is_missing", False)):
        question = f"{{field: account.strategic, {keyword}: true}}"
        yield Edge(question, "it is false, which is a value", set_, {"strategic": False})
        yield Edge(question, "it is missing", not set_)


def _past() -> Iterator[Edge]:
    for keyword, limit, back, beyond, between in (
        ("drops_below", 40, 50, 39, 45),
        ("rises_above", 60, 50, 61, 55),
    ):
        question = f"{{field: account.health, {keyword}: {limit}, recovers_at: {back}}}"
        yield Edge(question, f"it is {limit}", False, {"health": limit}, past=((DAY, limit),))
        yield Edge(question, f"it is {beyond}", True, {"health": beyond}, past=((DAY, beyond),))
        fell = ((2 * DAY, beyond), (DAY, between))
        yield Edge(question, f"it is {between} and was {beyond} before", True, {"health": between}, past=fell)
        fresh = ((2 * DAY, 50), (DAY, between))
        yield Edge(question, f"it is {between} and was 50 before", False, {"health": between}, past=fresh)
        late = ((3 * DAY, 50), (2 * DAY, beyond), (DAY, between))
        words = f"it is {between}, and {beyond} before it was learned late"
        yield Edge(question, words, True, {"health": between}, past=late)
        yield Edge(question, f"it is {back}", False, {"health": back}, past=(*fell, (TICK, back)))
        yield Edge(question, f"it is missing and was {beyond} before", None, past=((DAY, beyond),))
    for keyword, high, low, enough, short in (
        ("drops_by", 60, 45, 45, 45.000001),
        ("rises_by", 30, 45, 45, 44.999999),
    ):
        question = f"{{field: account.health, {keyword}: 15, within: 2d}}"
        one = ((3 * DAY, high), (DAY, enough))
        yield Edge(question, f"it is {enough} and was {high}", True, {"health": enough}, past=one)
        none = ((3 * DAY, high), (DAY, short))
        yield Edge(question, f"it is {short} and was {high}", False, {"health": short}, past=none)
        last = ((3 * DAY, high), (2 * DAY - TICK, low))
        yield Edge(question, f"it was {high} until just within 2 days ago", True, {"health": low}, past=last)
        gone = ((3 * DAY, high), (2 * DAY, low))
        yield Edge(question, f"it was {high} until exactly 2 days ago", False, {"health": low}, past=gone)
        gap = ((3 * DAY, high), (DAY, None), (HOUR, low))
        words = f"it was {high}, then missing, now {low}"
        yield Edge(question, words, True, {"health": low}, past=gap)
        yield Edge(question, "it is missing", None, past=((DAY, high),))
        share = f"{{field: account.health, {keyword}: 20%, within: 2d}}"
        zero = ((DAY, 0), (HOUR, -5 if keyword == "drops_by" else 5))
        yield Edge(share, "it was 0: a part of zero", None, {"health": zero[1][1]}, past=zero)


def _changes() -> Iterator[Edge]:
    for keyword, wanted in (("changes", "true"), ("changes_to", "pro")):
        question = f"{{field: account.plan, {keyword}: {wanted}}}"
        yield Edge(question, "free becomes pro", 1, {"plan": "free"}, new="pro")
        yield Edge(question, "pro is told again", 0, {"plan": "pro"}, new="pro")
        yield Edge(question, "the first value is pro", 0, new="pro")
        lost = int(keyword == "changes")
        yield Edge(question, "free goes missing", lost, {"plan": "free"})
        words = "free becomes pro, learned when something newer is known"
        yield Edge(question, words, 0, {"plan": "free"}, new="pro", superseded=True)
        other = f"{{field: account.plan, {keyword}: {wanted}, from: trial}}"
        yield Edge(other, "free becomes pro", 0, {"plan": "free"}, new="pro")
        yield Edge(other, "trial becomes pro", 1, {"plan": "trial"}, new="pro")
    yield from _changed()
    up = "{field: account.usage, crosses: [100, 1000]}"
    begun = ((9 * DAY, 50),)
    yield Edge(up, "99 becomes 100", 1, {"usage": 99}, new=100, past=begun)
    yield Edge(up, "100 becomes 101", 0, {"usage": 100}, new=101, past=begun)
    yield Edge(up, "50 becomes 5,000", 1, {"usage": 50}, new=5000, past=begun)
    yield Edge(up, "the first value is 150", 0, new=150)
    yield Edge(up, "50 becomes 150, and it was 200 before", 0, {"usage": 50}, new=150,
               past=((9 * DAY, 200), (DAY, 50)))  # fmt: skip
    yield Edge(up, "50 becomes 150, learned when something newer is known", 0, {"usage": 50}, new=150,
               superseded=True)  # fmt: skip
    each = "{field: account.usage, crosses: [100, 1000], take: each}"
    yield Edge(each, "50 becomes 5,000", 2, {"usage": 50}, new=5000, past=begun)
    never = "{field: account.usage, crosses: [100, 1000], once: never}"
    yield Edge(never, "50 becomes 150, and it was 200 before", 1, {"usage": 50}, new=150,
               past=((9 * DAY, 200), (DAY, 50)))  # fmt: skip
    down = "{field: account.usage, crosses: [100, 1000], direction: down}"
    yield Edge(down, "101 becomes 100", 1, {"usage": 101}, new=100, past=((9 * DAY, 200),))
    yield Edge(down, "100 becomes 99", 0, {"usage": 100}, new=99, past=((9 * DAY, 200),))


def _changed() -> Iterator[Edge]:
    for keyword, wanted in (("changes", "true"), ("changes_to", "pro")):
        question = f"{{field: account.plan, {keyword}: {wanted}, within: 2d}}"
        free, pro, begun = {"plan": "free"}, {"plan": "pro"}, (9 * DAY, "free")
        yield Edge(question, "free became pro 2 days ago", True, pro, past=(begun, (2 * DAY, "pro")))
        words = "free became pro more than 2 days ago"
        yield Edge(question, words, False, pro, past=(begun, (2 * DAY + TICK, "pro")))
        words = "free became pro, and free again, within 2 days"
        yield Edge(question, words, True, free, past=(begun, (DAY, "pro"), (HOUR, "free")))
        yield Edge(question, "pro is the first value, since an hour", False, pro, past=((HOUR, "pro"),))
        yield Edge(question, "pro was told again", False, pro, past=((9 * DAY, "pro"), (HOUR, "pro")))
        gap = (begun, (3 * DAY, None), (HOUR, "pro"))
        yield Edge(question, "it was missing, and became pro", False, pro, past=gap)
        lost = keyword == "changes"
        yield Edge(question, "free went missing an hour ago", lost, past=(begun, (HOUR, None)))
        yield Edge(question, "it never had a value", False)
        other = f"{{field: account.plan, {keyword}: {wanted}, from: trial, within: 2d}}"
        yield Edge(other, "free became pro an hour ago", False, pro, past=(begun, (HOUR, "pro")))


def _days() -> Iterator[Edge]:
    until = "{field: account.renews_on, days_until: {at_most: 90}}"
    yield Edge(until, "90 days away", True, {"renews_on": date(2026, 6, 8)})
    yield Edge(until, "91 days away", False, {"renews_on": date(2026, 6, 9)})
    yield Edge(until, "yesterday: -1 day away", True, {"renews_on": date(2026, 3, 9)})
    late = datetime(2026, 3, 10, 23, tzinfo=UTC)
    yield Edge(until, "91 days away in UTC, 90 in Tokyo, where it is tomorrow", True,
               {"renews_on": date(2026, 6, 9)}, zone="Asia/Tokyo", at=late)  # fmt: skip
    yield Edge(until, "it is missing", None)
    since = "{field: account.customer_since, days_since: {above: 30}}"
    yield Edge(since, "30 days ago", False, {"customer_since": date(2026, 2, 8)})
    yield Edge(since, "31 days ago", True, {"customer_since": date(2026, 2, 7)})
    yield Edge(since, "30 days ago in UTC, 31 in Auckland, where it is tomorrow", True,
               {"customer_since": date(2026, 2, 8)}, zone="Pacific/Auckland", at=late)  # fmt: skip
    yield Edge(since, "it is missing", None)
    active = "{field: account.last_active_at, days_since: {at_least: 14}}"
    when = {"last_active_at": datetime(2026, 2, 20, 9, tzinfo=UTC)}
    yield Edge(active, "18 days ago, its source seen until the day began that was 14 days after it", True,
               when, seen=NOW - datetime(2026, 3, 6, tzinfo=UTC))  # fmt: skip
    yield Edge(active, "18 days ago, its source seen until just before that", None,
               when, seen=NOW - datetime(2026, 3, 6, tzinfo=UTC) + TICK)  # fmt: skip
    yield Edge(active, "13 days ago, its source seen until 13 days ago", False,
               {"last_active_at": NOW - 13 * DAY}, seen=13 * DAY)  # fmt: skip
    yield Edge(since, "a date 31 days ago, its source seen until 9 days ago: it is a date all the same", True,
               {"customer_since": date(2026, 2, 7)}, seen=9 * DAY)  # fmt: skip
    other = "{field: account.last_touch_at, days_since: {above: 30}, else_since: account.customer_since}"
    long = {"customer_since": date(2025, 3, 10)}
    yield Edge(other, "31 days ago", True, {"last_touch_at": NOW - 31 * DAY})
    yield Edge(other, "30 days ago, and the other a year", False, {"last_touch_at": NOW - 30 * DAY, **long})
    yield Edge(other, "it is missing, and the other a year ago", True, long)
    yield Edge(other, "both are missing", None)


def _events() -> Iterator[Edge]:
    yield Edge("{event: login}", "a login", 1)
    yield Edge("{event: login}", "another event", 0, new="logout")
    within, absent = "{event: login, within: 7d}", "{event: login, absent_for: 7d}"
    count = "{event: login, at_least: 2, within: 7d}"
    yield Edge(within, "the last exactly 7 days ago", True, events=(7 * DAY,))
    yield Edge(within, "the last a microsecond longer ago", False, events=(7 * DAY + TICK,))
    yield Edge(within, "there never was one", False)
    yield Edge(absent, "the last exactly 7 days ago", True, events=(7 * DAY,))
    yield Edge(absent, "the last a microsecond later", False, events=(7 * DAY - TICK,))
    yield Edge(absent, "there never was one", None)
    yield Edge(count, "one now, one exactly 7 days ago", True, events=(timedelta(0), 7 * DAY))
    yield Edge(count, "one now, one a microsecond longer ago", False, events=(timedelta(0), 7 * DAY + TICK))
    yield Edge(count, "two at the same instant", True, events=(DAY, DAY))
    yield Edge(count, "there never was one", False)
    yield from _lagging(within, absent, count)


def _lagging(within: str, absent: str, count: str) -> Iterator[Edge]:
    """Where the source of the event has been seen up to an instant only."""
    since = 3 * DAY
    yield Edge(within, "the last 10 days ago, its source seen until just after 3 days ago", False,
               events=(10 * DAY,), seen=since - TICK)  # fmt: skip
    yield Edge(within, "the last 10 days ago, its source seen until 3 days ago", None,
               events=(10 * DAY,), seen=since)  # fmt: skip
    yield Edge(within, "the last 6 days ago, its source seen until 5 days ago", True,
               events=(6 * DAY,), seen=5 * DAY)  # fmt: skip
    young, old = "an account of 9 days", "an account of 10 days and a microsecond"
    yield Edge(within, f"{young} that never had one, its source seen until 3 days ago", None,
               seen=since, beginning=9 * DAY)  # fmt: skip
    yield Edge(within, f"{old} that never had one, its source seen until 3 days ago", False,
               seen=since, beginning=10 * DAY + TICK)  # fmt: skip
    yield Edge(absent, "the last 10 days ago, its source seen until 3 days ago", True,
               events=(10 * DAY,), seen=since)  # fmt: skip
    yield Edge(absent, "the last 10 days ago, its source seen until just before 3 days ago", None,
               events=(10 * DAY,), seen=since + TICK)  # fmt: skip
    yield Edge(absent, "the last 6 days ago, its source seen until 5 days ago", False,
               events=(6 * DAY,), seen=5 * DAY)  # fmt: skip
    yield Edge(count, "two, the first 10 days ago, its source seen until just after 3 days ago", False,
               events=(10 * DAY, 9 * DAY), seen=since - TICK)  # fmt: skip
    yield Edge(count, "two, the first 10 days ago, its source seen until 3 days ago", None,
               events=(10 * DAY, 9 * DAY), seen=since)  # fmt: skip
    yield Edge(count, "two, 2 and 6 days ago, its source seen until 5 days ago", True,
               events=(2 * DAY, 6 * DAY), seen=5 * DAY)  # fmt: skip

    since = "{event: login, since: run_start}"
    yield Edge(since, "one after the run started", True, events=(HOUR,), started=DAY)
    yield Edge(since, "one at the instant at which it started", False, events=(DAY,), started=DAY)
    yield Edge(since, "one before it started", False, events=(2 * DAY,), started=DAY)
    yield Edge(since, "there never was one", False, started=DAY)
    yield Edge(since, "there never was one, its source seen until now", False, started=DAY,
               seen=timedelta(0))  # fmt: skip
    yield Edge(since, "there never was one, its source seen until just before now", None, started=DAY,
               seen=TICK)  # fmt: skip
    yield Edge(since, "one after the run started, its source seen until 5 days ago", True, events=(HOUR,),
               started=DAY, seen=5 * DAY)  # fmt: skip


_TRIAL, _PRO, _OTHER = {"plan": "trial"}, {"plan": "pro"}, {"plan": 3}


def _carried() -> Iterator[Edge]:
    """Events of which those are meant that carry something."""
    trial = "where: {field: event.plan, equals: trial}"
    yield Edge(f"{{event: login, {trial}}}", "a login of plan trial", 1, carried=(_TRIAL,))
    yield Edge(f"{{event: login, {trial}}}", "a login of plan pro", 0, carried=(_PRO,))
    yield Edge(f"{{event: login, {trial}}}", "a login without a plan", 0)
    yield Edge(f"{{event: login, {trial}}}", "a login of plan 3, a number", 0, carried=(_OTHER,))
    within, absent = f"{{event: login, {trial}, within: 7d}}", f"{{event: login, {trial}, absent_for: 7d}}"
    count = f"{{event: login, {trial}, at_least: 2, within: 7d}}"
    run = f"{{event: login, {trial}, since: run_start}}"
    yield Edge(within, "of trial exactly 7 days ago, of pro since", True, events=(7 * DAY, DAY),
               carried=(_TRIAL, _PRO))  # fmt: skip
    yield Edge(within, "of trial 8 days ago, of pro since", False, events=(8 * DAY, DAY),
               carried=(_TRIAL, _PRO))  # fmt: skip
    yield Edge(within, "of trial 8 days ago, without a plan since", None, events=(8 * DAY, DAY),
               carried=(_TRIAL,))  # fmt: skip
    yield Edge(within, "there never was a login", False)
    yield Edge(within, "of trial 10 days ago, of pro since, its source seen until just after 3 days ago",
               False, events=(10 * DAY, DAY), carried=(_TRIAL, _PRO), seen=3 * DAY - TICK)  # fmt: skip
    yield Edge(within, "of trial 10 days ago, of pro since, its source seen until 3 days ago", None,
               events=(10 * DAY, DAY), carried=(_TRIAL, _PRO), seen=3 * DAY)  # fmt: skip
    yield Edge(absent, "of trial exactly 7 days ago, of pro since", True, events=(7 * DAY, DAY),
               carried=(_TRIAL, _PRO))  # fmt: skip
    yield Edge(absent, "of trial 6 days ago", False, events=(6 * DAY,), carried=(_TRIAL,))
    yield Edge(absent, "of trial 8 days ago, without a plan 6 days ago", None, events=(8 * DAY, 6 * DAY),
               carried=(_TRIAL,))  # fmt: skip
    yield Edge(absent, "of trial 9 days ago, without a plan 8 days ago", True, events=(9 * DAY, 8 * DAY),
               carried=(_TRIAL,))  # fmt: skip
    yield Edge(absent, "of pro 9 days ago", None, events=(9 * DAY,), carried=(_PRO,))
    yield Edge(count, "two of trial, one of pro", True, events=(3 * DAY, 2 * DAY, DAY),
               carried=(_TRIAL, _TRIAL, _PRO))  # fmt: skip
    yield Edge(count, "one of trial, one of pro", False, events=(2 * DAY, DAY), carried=(_TRIAL, _PRO))
    yield Edge(count, "one of trial, one without a plan", None, events=(2 * DAY, DAY), carried=(_TRIAL,))
    yield Edge(run, "one of trial after the run started", True, events=(HOUR,), carried=(_TRIAL,),
               started=DAY)  # fmt: skip
    yield Edge(run, "one of pro after the run started", False, events=(HOUR,), carried=(_PRO,), started=DAY)
    yield Edge(run, "one without a plan after the run started", None, events=(HOUR,), started=DAY)


def _sums() -> Iterator[Edge]:
    """Numbers of events, and sums over them, by what they carry."""
    logins = "{count: event, name: login, within: 7d, where: {field: event.plan, equals: trial}, "
    few, many = logins + "below: 2}", logins + "at_least: 2}"
    three = (3 * DAY, 2 * DAY, DAY)
    yield Edge(few, "one of trial, two of pro", True, events=three, carried=(_TRIAL, _PRO, _PRO))
    yield Edge(few, "two of trial, one of pro", False, events=three, carried=(_TRIAL, _TRIAL, _PRO))
    yield Edge(few, "one of trial, one without a plan: 1 or 2", None, events=three[1:], carried=(_TRIAL,))
    yield Edge(few, "one of trial, one of plan 3, a number: 1 or 2", None, events=three[1:],
               carried=(_TRIAL, _OTHER))  # fmt: skip
    yield Edge(many, "two of trial, one without a plan: 2 or 3", True, events=three, carried=(_TRIAL,) * 2)
    yield Edge(few, "two of trial 10 days ago, one of pro now, its source seen until just after 3 days ago",
               True, events=(10 * DAY, 10 * DAY, timedelta(0)), carried=(_TRIAL, _TRIAL, _PRO),
               seen=3 * DAY - TICK)  # fmt: skip
    yield Edge(few, "two of trial 10 days ago, one of pro now, its source seen until 3 days ago",
               None, events=(10 * DAY, 10 * DAY, timedelta(0)), carried=(_TRIAL, _TRIAL, _PRO),
               seen=3 * DAY)  # fmt: skip
    bought = "{sum: event.amount, name: purchase, within: 7d, "
    large, plain, text = {"amount": 400}, {"amount": 99.5}, {"amount": "400"}
    yield Edge(
        bought + "at_least: 500}", "400 and 99.5", False, events=(2 * DAY, DAY), carried=(large, plain)
    )
    yield Edge(bought + "at_least: 500}", "400 twice, the first exactly 7 days ago", True,
               events=(7 * DAY, DAY), carried=(large, large))  # fmt: skip
    yield Edge(bought + "at_least: 500}", "400 twice, the first a microsecond longer ago", False,
               events=(7 * DAY + TICK, DAY), carried=(large, large))  # fmt: skip
    yield Edge(bought + "at_least: 500}", "600, and one without an amount", None,
               events=(2 * DAY, DAY), carried=({"amount": 600},))  # fmt: skip
    yield Edge(bought + "at_least: 500}", 'one of "400", which is text', None, events=(DAY,), carried=(text,))
    yield Edge(bought + "at_most: 0}", "there never was a purchase", True)
    paid = bought + "where: {field: event.paid, equals: true}, at_least: 500}"
    yield Edge(paid, "600 paid, and one not paid without an amount", True, events=(2 * DAY, DAY),
               carried=({"amount": 600, "paid": True}, {"paid": False}))  # fmt: skip
    yield Edge(paid, "600 of which it is not said whether it is paid: 0 or 600", None, events=(DAY,),
               carried=({"amount": 600},))  # fmt: skip
    yield Edge(bought + "at_least: 5%, of: account.arr}", "600 of 12,000", True, {"arr": 12000},
               events=(DAY,), carried=({"amount": 600},))  # fmt: skip
    yield Edge(bought + "below: 500}", "400 a day ago, its source seen until then", True,
               events=(DAY,), carried=(large,), seen=DAY)  # fmt: skip
    yield Edge(bought + "below: 300}", "400 10 days ago, its source seen until just after 3 days ago", True,
               events=(10 * DAY,), carried=(large,), seen=3 * DAY - TICK)  # fmt: skip
    yield Edge(bought + "below: 300}", "400 10 days ago, its source seen until 3 days ago", None,
               events=(10 * DAY,), carried=(large,), seen=3 * DAY)  # fmt: skip


def _derived() -> Iterator[Edge]:
    """Counts and sums, which take the comparisons of numbers."""
    gone, here, unclear = {"status": "departed"}, {"status": "active"}, {"name": "Kim"}
    active = "{count: contact, where: {field: contact.status, equals: active}, "
    few, many, two = active + "below: 2}", active + "at_least: 2}", active + "equals: 2}"
    yield Edge(few, "there are no contacts", True)
    yield Edge(few, "one active, one departed", True, contacts=(here, gone))
    yield Edge(few, "two active", False, contacts=(here, here))
    yield Edge(few, "one active, one without a status: 1 or 2", None, contacts=(here, unclear))
    yield Edge(few, "two active, one without a status: 2 or 3", False, contacts=(here, here, unclear))
    yield Edge(many, "one active, one without a status: 1 or 2", None, contacts=(here, unclear))
    yield Edge(many, "two active, one without a status: 2 or 3", True, contacts=(here, here, unclear))
    yield Edge(two, "two active", True, contacts=(here, here))
    yield Edge(two, "three active, one without a status: 3 or 4", False, contacts=(here,) * 3 + (unclear,))
    yield Edge(active + "in: [1, 2]}", "1 or 2", True, contacts=(here, unclear))
    yield Edge(active + "in: [1, 3]}", "1 to 3", None, contacts=(here, unclear, unclear))
    yield Edge(active + "between: [1, 2]}", "1 to 3", None, contacts=(here, unclear, unclear))
    yield Edge("{count: contact, above: 1}", "two, whatever is known of them", True, contacts=(gone, unclear))
    worth = "{sum: subscription.arr, where: {field: subscription.status, equals: active}, "
    paid, ended = {"status": "active", "arr": 600}, {"status": "ended", "arr": 900}
    low = worth + "at_most: 1000}"
    yield Edge(low, "there are no subscriptions", True)
    yield Edge(low, "600 active, 900 ended", True, subscriptions=(paid, ended))
    yield Edge(low, "600 twice", False, subscriptions=(paid, paid))
    yield Edge(low, "600, and one of an unknown amount", None, subscriptions=(paid, {"status": "active"}))
    yield Edge(low, "600, and one of an unknown amount that has ended", True,
               subscriptions=(paid, {"status": "ended"}))  # fmt: skip
    yield Edge(low, "600, and 300 of unknown status: 600 to 900", True, subscriptions=(paid, {"arr": 300}))
    yield Edge(low, "600, and 500 of unknown status: 600 or 1,100", None, subscriptions=(paid, {"arr": 500}))
    share = worth + "below: 50%, of: account.arr}"
    yield Edge(share, "600 of 1,201", True, {"arr": 1201}, subscriptions=(paid,))
    yield Edge(share, "600 of 1,200", False, {"arr": 1200}, subscriptions=(paid,))
    yield Edge(share, "600 of an amount that is missing", None, subscriptions=(paid,))
    logins = "{count: event, name: login, within: 7d, "
    yield Edge(logins + "below: 2}", "one exactly 7 days ago, one now", False, events=(7 * DAY, timedelta(0)))
    yield Edge(logins + "below: 2}", "one a microsecond longer ago, one now", True,
               events=(7 * DAY + TICK, timedelta(0)))  # fmt: skip
    yield Edge(logins + "below: 2}", "there never was one", True)
    two = (10 * DAY, 9 * DAY)
    below = logins + "below: 2}"
    yield Edge(below, "two, the first 10 days ago, its source seen until just after 3 days ago",
               True, events=two, seen=3 * DAY - TICK)  # fmt: skip
    yield Edge(logins + "below: 2}", "two, the first 10 days ago, its source seen until 3 days ago",
               None, events=two, seen=3 * DAY)  # fmt: skip
    yield Edge(logins + "at_least: 2}", "two, 2 and 6 days ago, its source seen until 5 days ago", True,
               events=(6 * DAY, 2 * DAY), seen=5 * DAY)  # fmt: skip
    yield Edge(logins + "equals: 1}", "one 2 days ago, its source seen until then", True,
               events=(2 * DAY,), seen=2 * DAY)  # fmt: skip
    yield Edge(logins + "equals: 1}", "one 2 days ago, its source seen until just before", None,
               events=(2 * DAY,), seen=2 * DAY + TICK)  # fmt: skip
    yield Edge(below, "an account of 9 days that never had one, its source seen until 3 days ago",
               None, seen=3 * DAY, beginning=9 * DAY)  # fmt: skip
    run = "{count: event, name: login, since: run_start, at_least: 1}"
    yield Edge(run, "one at the instant at which the run started", False, events=(DAY,), started=DAY)
    yield Edge(run, "none since, its source seen until an hour ago", None, events=(DAY,), started=DAY,
               seen=HOUR)  # fmt: skip
    yield Edge(run, "one a microsecond after it", True, events=(DAY - TICK,), started=DAY)


def _stale() -> Iterator[Edge]:
    """Where the source of the value, good for 7 days after it was last seen, has been seen until then."""
    for question, words, now in (
        ("{field: account.health, equals: 40}", "it is 40", {"health": 40}),
        ("{field: account.health, not_equals: 40}", "it is 35", {"health": 35}),
        ("{field: account.plan, in: [free, pro]}", "it is pro", {"plan": "pro"}),
        ("{field: account.plan, not_in: [free, pro]}", "it is team", {"plan": "team"}),
        ("{field: account.health, below: 40}", "it is 35", {"health": 35}),
        ("{field: account.health, at_most: 40}", "it is 35", {"health": 35}),
        ("{field: account.health, above: 40}", "it is 45", {"health": 45}),
        ("{field: account.health, at_least: 40}", "it is 45", {"health": 45}),
        ("{field: account.health, between: [30, 40]}", "it is 35", {"health": 35}),
        ("{field: account.name, contains: acme}", "it is acme", {"name": "acme"}),
        ('{field: account.name, matches: "*acme"}', "it is acme", {"name": "acme"}),
        ("{field: account.strategic, is_set: true}", "it is false", {"strategic": False}),
        ("{field: account.strategic, is_missing: true}", "it is missing", {}),
        ("{field: account.health, drops_below: 40, recovers_at: 50}", "it is 39", {"health": 39}),
        ("{field: account.health, rises_above: 60, recovers_at: 50}", "it is 61", {"health": 61}),
        ("{field: account.renews_on, days_until: {at_most: 90}}", "90 days away",
         {"renews_on": date(2026, 6, 8)}),
        ("{field: account.customer_since, days_since: {above: 30}}", "31 days ago",
         {"customer_since": date(2026, 2, 7)}),
    ):  # fmt: skip
        for seen, when, answer in ((7 * DAY, "7 days ago", True), (7 * DAY + TICK, "just before that", None)):
            situation = f"{words}, good for 7 days after its source was seen, which was {when}"
            yield Edge(question, situation, answer, now, seen=seen, fresh_for=7 * DAY)
    other = "{field: account.last_touch_at, days_since: {above: 30}, else_since: account.customer_since}"
    yield Edge(other, "it is stale, and the other a year ago", None,
               {"last_touch_at": NOW - 31 * DAY, "customer_since": date(2025, 3, 10)},
               seen=8 * DAY, fresh_for=7 * DAY)  # fmt: skip
    for keyword, was in (("drops_by", 60), ("rises_by", 30)):
        question = f"{{field: account.health, {keyword}: 15, within: 2d}}"
        yield Edge(question, "it is stale", None, {"health": 45}, past=((3 * DAY, was), (DAY, 45)),
                   seen=8 * DAY, fresh_for=7 * DAY)  # fmt: skip


def _steps() -> Iterator[Edge]:
    yield Edge("{step: call, is: open}", "it is open", True, step=("open", None))
    yield Edge("{step: call, is: open}", "it is done", False, step=("done", "reached"))
    yield Edge("{step: call, outcome: reached}", "closed as reached", True, step=("done", "reached"))
    yield Edge("{step: call, outcome: reached}", "closed as silent", False, step=("done", "silent"))
    yield Edge("{step: call, outcome: reached}", "it is open", False, step=("open", None))


EDGES = (
    *_values(),
    *_derived(),
    *_sums(),
    *_texts(),
    *_past(),
    *_changes(),
    *_days(),
    *_events(),
    *_carried(),
    *_stale(),
    *_steps(),
)
"""All rows. Those of one operator stand in the order in which the document has them."""

ANSWERS = {True: "true", False: "false", None: "unknown"}


def answer_words(edge: Edge) -> str:
    """The answer as the document has it."""
    if edge.is_moment:
        return {0: "does not happen", 1: "happens", 2: "happens twice"}[int(edge.answer or 0)]
    return ANSWERS[edge.answer]  # type: ignore[index]
