"""Reading a mapping file: every mistake with its line and column, all at once."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, cast

from engine.conditions.catalogue import KEPT, Catalogue, Field, FieldType, Kind, UnknownField
from engine.rulefile.notes import Notes, RefusedError, Table
from engine.rulefile.parse_values import choice, flag, number, text
from engine.rulefile.problem import Problem, in_order, quote
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Scalar, Sequence, decode_text, read_source
from engine.sources import parse_cells, parse_derived
from engine.sources.cells import problem_of_format
from engine.sources.csv_source import ENCODINGS
from engine.sources.mapping import (
    At,
    Column,
    EventRule,
    FileRule,
    Formats,
    Given,
    Mapping,
    Repeated,
    Say,
    Test,
)
from engine.state.accept import METRIC_FIELDS, Refused, accepted_id
from engine.state.entries import source_book

_FORMATS = ("dates", "instants", "true", "false", "decimal", "timezone")
_MAPPING = ("source", "backfill", *_FORMATS, "files", "derived")
_FILE = (
    *("file", "rows", "id", "account", "through", "repeated", "says", "events", "delimiter", "encoding"),
    *_FORMATS,
)
_SAY = ("about", "at", "when", "set")
_EVENT = ("name", "at", "when", "subject", "properties")
_AT = ("column", "known", "every", "until")
_GIVEN = ("column", "constant", "missing", "period", "part", "values", "scale", "strip", "type")
_ROWS = tuple(kind for kind in KEPT if kind is not Kind.SOURCE)
_CHILDREN = (Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET)


class MappingError(Exception):
    """A mapping that cannot be used; the message lists every mistake with its place."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


def _source_name(node: Node) -> str:
    name = text(node)
    try:
        accepted_id(source_book(name), "name of the source")
    except Refused as error:
        raise RefusedError(node, str(error)) from error
    return name


def load_mapping(path: Path, catalogue: Catalogue) -> Mapping:
    """Read and check a mapping file. Raises MappingError, and OSError when there is no such file."""
    content = decode_text(str(path), path.read_bytes())
    if isinstance(content, Problem):
        raise MappingError((content,))
    return parse_mapping(str(path), content, catalogue)


def parse_mapping(file: str, content: str, catalogue: Catalogue) -> Mapping:
    """The mapping in `content`; `file` names it in messages. Raises MappingError."""
    if not content.strip():
        raise MappingError((Problem(file, 1, 1, 'the file is empty; begin with "source: NAME"'),))
    tree = read_source(file, content)
    notes = Notes(file)
    notes.problems.extend(tree.problems)
    mapping = None
    if tree.root is not None:
        try:
            mapping = _Reader(notes, catalogue).mapping(tree.root)
        except RefusedError as refused:
            notes.refuse(refused)
    if mapping is None or notes.problems:
        raise MappingError(in_order(notes.problems))
    return mapping


class _Reader:
    """Reads the parts of one mapping file."""

    def __init__(self, notes: Notes, catalogue: Catalogue) -> None:
        self.notes = notes
        self.catalogue = catalogue
        self.is_backfill = False

    def mapping(self, node: Node) -> Mapping | None:
        """The whole file."""
        table = self.notes.table(node, _MAPPING, "a mapping")
        source = table.required("source", _source_name, "a mapping")
        self.is_backfill = table.optional("backfill", flag, False)
        formats = self.formats(table, Formats())
        found = table.required("files", lambda each: self._files(each, formats), "a mapping")
        files = found or ()
        names = {event.name: event for rule in files for event in rule.events}
        derived = table.optional(
            "derived", lambda each: parse_derived.derivations(self.notes, self.catalogue, each, names), ()
        )
        if source is None or self.notes.problems:
            return None
        return Mapping(self.notes.file, source, self.is_backfill, files, derived)

    def formats(self, table: Table, outer: Formats) -> Formats:
        """The formats given here, and those of the level above for the rest."""
        dates = table.optional("dates", self._patterns, outer.dates)
        instants = table.optional("instants", self._patterns, outer.instants)
        found = replace(
            outer,
            dates=dates,
            instants=instants,
            true=table.optional("true", parse_cells.words, outer.true),
            false=table.optional("false", parse_cells.words, outer.false),
            decimal=table.optional("decimal", choice([".", ","]), outer.decimal),
            zone=table.optional("timezone", parse_cells.time_zone, outer.zone),
        )
        both = sorted(found.true & found.false)
        if both and ("true" in table or "false" in table):
            self.notes.add(table.node, f"{quote(both[0])} stands for both true and false")
        return found

    def _patterns(self, node: Node) -> tuple[str, ...]:
        found = tuple(parse_cells.texts(node))
        for each in found:
            if problem := problem_of_format(each):
                raise RefusedError(node, f"{quote(each)} {problem}, as in DD-MM-YYYY")
        return found

    def _files(self, node: Node, formats: Formats) -> tuple[FileRule, ...]:
        return tuple(self.notes.each(lambda each: self._file(each, formats), node, "files"))

    def _file(self, node: Node, outer: Formats) -> FileRule | None:
        table = self.notes.table(node, _FILE, "a file")
        name = table.required("file", parse_cells.file_name, "a file")
        rows = table.required("rows", choice(["event", *_ROWS]), "a file")
        column = table.required("id", parse_cells.column, "a file")
        if name is None or rows is None or column is None:
            return None
        if rows == Kind.METRIC:
            self.notes.add(table.node, "rows: metrics are said about accounts; give the rows another kind")
            return None
        kind: Kind | Literal["event"] = "event" if rows == "event" else Kind(rows)
        says = table.optional("says", lambda each: self.notes.each(self._say(kind), each, "says"), [])
        events = table.optional("events", lambda each: self.notes.each(self._event, each, "events"), [])
        where = table.key("file")
        rule = FileRule(
            name,
            where.line,
            where.column,
            kind,
            column,
            self._account(table, kind),
            table.maybe("through", lambda each: Kind(choice(_CHILDREN)(each))),
            table.optional("repeated", lambda each: Repeated(choice(list(Repeated))(each)), Repeated.REJECT),
            tuple(says),
            tuple(events),
            self.formats(table, outer),
            table.optional("delimiter", parse_cells.delimiter, ","),
            table.optional("encoding", choice(ENCODINGS), "utf-8"),
        )
        self._check_file(table, rule)
        return rule

    def _account(self, table: Table, kind: Kind | Literal["event"]) -> Column | None:
        if kind is not Kind.ACCOUNT:
            return table.required("account", parse_cells.column, f"a file of {kind} rows")
        if "account" in table:
            self.notes.add(table.key("account"), "account: the rows are accounts; their id is enough")
        return None

    def _check_file(self, table: Table, rule: FileRule) -> None:
        if not rule.says and not rule.events and not ("says" in table or "events" in table):
            self.notes.add(table.node, 'a file needs "says" or "events"; without them its rows mean nothing')
        if "through" in table and rule.rows is Kind.ACCOUNT:
            self.notes.add(table.key("through"), "through: the rows are accounts; their id is enough")

    def _say(self, rows: Kind | Literal["event"]) -> Callable[[Node], Say]:
        def read(node: Node) -> Say:
            table = self.notes.table(node, _SAY, "says")
            own = [Kind.ACCOUNT] if rows in ("event", Kind.ACCOUNT) else [rows, Kind.ACCOUNT]
            default = Kind.ACCOUNT if rows == "event" else rows
            about = table.optional("about", lambda each: Kind(choice(own)(each)), default)
            at = table.maybe("at", self._at)
            if at is None and self.is_backfill and "at" not in table:
                self.notes.add(table.node, 'says needs "at": in a backfill everything has its time')
            when = table.optional("when", self._tests, ())
            given = table.optional("set", lambda each: self._set(Kind(about), each, at), ())
            return Say(Kind(about), at, when, given)

        return read

    def _event(self, node: Node) -> EventRule | None:
        table = self.notes.table(node, _EVENT, "an event")
        name = table.required("name", text, "an event")
        at = table.required("at", self._at, "an event")
        when = table.optional("when", self._tests, ())
        subject = table.maybe("subject", parse_cells.column)
        properties = table.optional("properties", lambda each: self._properties(each, at), ())
        return EventRule(name, at, when, subject, properties) if name and at else None

    def _at(self, node: Node) -> At:
        if isinstance(node, Scalar):
            return At(parse_cells.column(node))
        table = self.notes.table(node, _AT, "at")
        column = table.required("column", parse_cells.column, "at")
        every = table.maybe("every", choice(["year", "month"]))
        until = table.maybe("until", parse_cells.column)
        if until and not every:
            self.notes.add(table.key("until"), 'until: goes with "every"')
        known = table.optional("known", choice(["at_once", "end_of_day"]), "at_once")
        if known != "at_once" and not self.is_backfill:
            self.notes.add(
                table.key("known"), "known: goes with a backfill; otherwise rows are known when imported"
            )
        return At(
            column or Column("", node.line, node.column),
            cast(Literal["at_once", "end_of_day"], known),
            cast(Literal["year", "month"] | None, every),
            until,
        )

    def _tests(self, node: Node) -> tuple[Test, ...]:
        if not isinstance(node, MappingNode):
            raise RefusedError(node, "takes a mapping from columns to the texts their cells must hold")
        return tuple(
            Test(Column(key.text, key.line, key.column), frozenset(parse_cells.texts(value)))
            for key, value in node.entries.values()
        )

    def _set(self, about: Kind, node: Node, at: At | None) -> tuple[tuple[str, Given], ...]:
        if not isinstance(node, MappingNode):
            raise RefusedError(node, "takes a mapping from fields to the columns they come from")
        known = METRIC_FIELDS if about is Kind.METRIC else self.catalogue.of_kind(about)
        found = []
        for key, value in node.entries.values():
            field = known.get(key.text)
            if field is None:
                self._unknown_field(key, about)
            elif given := self.notes.attempt(partial(self._given, field=field, at=at), value, key.text):
                found.append((key.text, given))
        return tuple(found)

    def _unknown_field(self, key: Scalar, about: Kind) -> None:
        try:
            self.catalogue.get(f"{about}.{key.text}")
        except UnknownField as error:
            self.notes.add(key, str(error))

    def _properties(self, node: Node, at: At | None) -> tuple[tuple[str, Given], ...]:
        if not isinstance(node, MappingNode):
            raise RefusedError(node, "takes a mapping from properties to the columns they come from")
        found = []
        for key, value in node.entries.values():
            if given := self.notes.attempt(lambda each: self._given(each, None, at), value, key.text):
                found.append((key.text, given))
        return tuple(found)

    def _given(self, node: Node, field: Field | None, at: At | None) -> Given:
        if isinstance(node, Scalar):
            return Given(field.type if field else FieldType.TEXT, field, parse_cells.column(node))
        if isinstance(node, Sequence):
            raise RefusedError(node, "takes a column, or a mapping such as {constant: VALUE}")
        table = self.notes.table(node, _GIVEN, "a value")
        kind = (
            field.type
            if field
            else FieldType(table.optional("type", choice(["number", "text", "flag"]), "text"))
        )
        if field and "type" in table:
            self.notes.add(table.key("type"), f"type: {field.path} has its type from the catalogue")
        origin = table.one_of(("column", "constant", "missing", "period"), "a value")
        given = Given(kind, field)
        if origin == "column":
            given = replace(given, column=table.maybe("column", parse_cells.column))
        elif origin == "constant":
            given = replace(
                given, constant=table.maybe("constant", parse_cells.constant(self.catalogue, kind, field))
            )
        elif origin == "period":
            if at is None or at.every is None:
                self.notes.add(
                    table.key("period"), 'period: goes with an "at" that recurs every year or month'
                )
            period = table.maybe("period", choice(["start", "end"]))
            given = replace(given, period=cast(Literal["start", "end"] | None, period))
        return self._refined(table, given, origin)

    def _refined(self, table: Table, given: Given, origin: str | None) -> Given:
        wants = {
            "part": (given.type in (FieldType.TEXT, FieldType.NUMBER), "text or a number"),
            "scale": (given.type.is_numeric, "a number"),
            "strip": (given.type.is_numeric, "a number"),
        }
        for key, (fits, wanted) in wants.items():
            if key in table and not fits:
                self.notes.add(table.key(key), f"{key}: goes with {wanted}, not with {given.type}")
        if origin == "period" and "part" not in table and given.type is not FieldType.DATE:
            self.notes.add(table.key("period"), f"period: gives a date, not {given.type}; name a part of it")
        for key in ("values", "scale", "strip"):
            if key in table and origin in ("constant", "missing", "period"):
                self.notes.add(table.key(key), f'{key}: goes with a column, not with "{origin}"')
        return replace(
            given,
            part=cast(Literal["year", "month"] | None, table.maybe("part", choice(["year", "month"]))),
            values=table.maybe("values", parse_cells.values),
            scale=table.maybe("scale", number),
            strip=table.optional("strip", lambda node: tuple(parse_cells.texts(node)), ()),
        )
