"""A `NAME.test.yaml` to typed tests, with every problem and its place."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from engine.clock.zones import format_instant, parse_instant
from engine.conditions.catalogue import Catalogue
from engine.rehearsal.carried import Named, read_properties
from engine.rehearsal.expectations import read_expectation
from engine.rehearsal.givens import SUBJECT_KEYS, Cast, as_entry, read_cast, read_statement
from engine.rehearsal.script import Completion, Move, Quiet, Rehearsal
from engine.rulefile.notes import Notes, RefusedError, Table
from engine.rulefile.parse_values import duration, flag, slug, text
from engine.rulefile.problem import Problem, in_order, quote
from engine.rulefile.source import Node, Scalar, read_source
from engine.state.ingest import Entry, EventEntry

TEST_KEYS = ("name", "at", "with", "given", "timeline")
GIVEN_KEYS = ("people", "account", "contacts", "subscriptions", "tickets", "sources", "earlier")
MOVE_KEYS = (
    "at", *SUBJECT_KEYS, "event", "complete", "release_holds", "silence", "end_silences", "expect",
)  # fmt: skip
EARLIER_KEYS = ("at", *SUBJECT_KEYS, "event")

LONG_AGO = timedelta(days=400)
"""How long before its start a test's account and people have been as `given` says."""


@dataclass(frozen=True)
class Script:
    """What came of one test file."""

    tests: tuple[Rehearsal, ...]
    problems: tuple[Problem, ...]


def parse_tests(file: str, text: str, catalogue: Catalogue) -> Script:
    """Read one test file. Never raises: whatever is wrong comes back as problems, all at once."""
    source = read_source(file, text)
    notes = Notes(file)
    if source.root is None:
        return Script((), source.problems)
    tests: list[Rehearsal] = []
    try:
        table = notes.table(source.root, ("tests",), "a test file")
        listed = table.required("tests", lambda node: node, "a test file")
        if listed is not None:
            tests = notes.each(lambda node: _test(node, notes, catalogue), listed, "tests")
    except RefusedError as refused:
        notes.refuse(refused)
    _note_repeated(tests, notes)
    return Script(tuple(tests), in_order([*source.problems, *notes.problems]))


def _note_repeated(tests: Iterable[Rehearsal], notes: Notes) -> None:
    first: dict[str, Rehearsal] = {}
    for test in tests:
        if test.name in first:
            message = f"{quote(test.name)} is already the test on line {first[test.name].line}; rename one"
            notes.add_at(test.file, test.line, test.column, message)
        first.setdefault(test.name, test)


def _test(node: Node, notes: Notes, catalogue: Catalogue) -> Rehearsal | None:
    table = notes.table(node, TEST_KEYS, "a test")
    name = table.required("name", text, "a test")
    start = table.required("at", _instant, "a test")
    given = table.required("given", lambda each: notes.table(each, GIVEN_KEYS, "given"), "a test")
    listed = table.required("timeline", lambda each: each, "a test")
    if name is None or start is None or given is None or listed is None:
        return None
    cast = read_cast(given, notes, catalogue, start - LONG_AGO)
    if cast is None:
        return None
    reading = _Reading(notes, cast, start)
    earlier = reading.moves(given.node.get("earlier"), EARLIER_KEYS, "earlier", until=start)
    timeline = reading.moves(listed, MOVE_KEYS, "timeline", since=start)
    return Rehearsal(
        name, notes.file, node.line, node.column, start, cast.people,
        (*cast.entries, *(one for move in earlier for one in move.entries)),
        tuple(one for move in earlier for one in move.events),
        tuple(timeline),
        table.optional("with", lambda each: tuple(notes.each(text, each, "with")), ()),
    )  # fmt: skip


@dataclass
class _Reading:
    """The moves of one test being read."""

    notes: Notes
    cast: Cast
    start: datetime
    _events: int = 0

    def moves(
        self,
        node: Node | None,
        keys: tuple[str, ...],
        what: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Move]:
        """The members of `timeline:` or of `earlier:`, in order of time."""
        if node is None:
            return []
        found = self.notes.each(lambda item: self._move(item, keys, what), node, what)
        last = since
        for move in found:
            where = (self.notes.file, move.line, move.column)
            if last is not None and move.at < last:
                self.notes.add_at(
                    *where, f"at: goes back before {format_instant(last)}; the clock only goes on"
                )
            if until is not None and move.at > until:
                self.notes.add_at(*where, "at: is after the test's start; put it into the timeline")
            last = move.at if last is None else max(last, move.at)
        return found

    def _move(self, node: Node, keys: tuple[str, ...], what: str) -> Move | None:
        table = self.notes.table(node, keys, f"a member of {what}")
        at = table.required("at", self._time, f"a member of {what}")
        if at is None:
            return None
        if len(table.node.entries) == 1 and what == "earlier":
            self.notes.add(node, "earlier: says only when, not what; add a state or an event")
        return Move(
            at,
            node.line,
            node.column,
            tuple(self._entries(table, at)),
            tuple(self._event(table, at)),
            table.maybe("complete", self._completion),
            table.optional("release_holds", flag, False),
            table.maybe("silence", self._silence),
            table.optional("end_silences", flag, False),
            table.maybe("expect", lambda each: read_expectation(each, self.notes)),
        )

    def _entries(self, table: Table, at: datetime) -> Iterable[Entry]:
        for key in SUBJECT_KEYS:
            read = partial(read_statement, notes=self.notes, key=key, cast=self.cast)
            found = table.maybe(key, read)
            if found is not None:
                yield as_entry(found, self.cast.account_id, at)

    def _event(self, table: Table, at: datetime) -> Iterable[EventEntry]:
        found = table.maybe("event", self._event_named)
        if found is not None:
            self._events += 1
            identity = f"event-{self._events}"
            yield EventEntry(identity, self.cast.account_id, found.name, at, at, found.subject, found.carried)

    def _event_named(self, node: Node) -> Named | None:
        """`cancel_requested`, or `{name: reopened, subject: ticket-7, properties: {by: kim}}`."""
        if isinstance(node, Scalar):
            return Named(text(node))
        table = self.notes.table(node, ("name", "subject", "properties"), "event")
        name = table.required("name", text, "event")
        carried = table.maybe("properties", read_properties)
        return Named(name, table.maybe("subject", text), carried) if name else None

    def _completion(self, node: Node) -> Completion | None:
        if isinstance(node, Scalar):
            return Completion(slug(node), None, None)
        table = self.notes.table(node, ("step", "outcome", "note"), "complete")
        step = table.required("step", slug, "complete")
        outcome, note = table.maybe("outcome", slug), table.maybe("note", text)
        return Completion(step, outcome, note) if step else None

    def _silence(self, node: Node) -> Quiet | None:
        table = self.notes.table(node, ("until", "playbook", "by", "why"), "silence")
        until = table.required("until", self._time, "silence")
        playbook, why = table.maybe("playbook", slug), table.optional("why", text, "the test asks for it")
        return Quiet(until, playbook, table.optional("by", text, "test"), why) if until else None

    def _time(self, node: Node) -> datetime:
        """`+3d`, `-20d`, `+2d 4h` from the test's start, or an instant."""
        found = text(node)
        if found[:1] not in "+-":
            return _instant(node)
        span = sum((_part(node, part) for part in found[1:].split()), timedelta(0))
        return self.start + span if found[0] == "+" else self.start - span


def _part(node: Node, part: str) -> timedelta:
    span = duration(Scalar(part, True, node.line, node.column))
    if span.is_business:
        raise RefusedError(node, f"{part} has no fixed length; write days or hours, or an instant")
    return span.elapsed


def _instant(node: Node) -> datetime:
    try:
        return parse_instant(text(node))
    except ValueError as error:
        raise RefusedError(node, f"{error}, or +3d from the test's start") from error
