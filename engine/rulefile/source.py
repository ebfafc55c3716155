"""YAML 1.2 text as a tree in which every key and value knows its line and column.

The tree holds text only: `on`, `no`, `40` and `12:30` are what the file says, and whoever reads a value knows
what it should be. Anchors, aliases and tags are refused, so a small file cannot stand for a large one.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from yaml.cyaml import CParser  # type: ignore[import-untyped]
from yaml.error import MarkedYAMLError  # type: ignore[import-untyped]
from yaml.events import (  # type: ignore[import-untyped]
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from engine.rulefile.problem import Problem, in_order, quote

LARGEST_FILE = 256 * 1024
"""Characters. Far more than a person writes, and read in seconds whatever it holds."""

DEEPEST_NESTING = 24
"""Lists and mappings within each other, conditions included."""

_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_DIRECTIVE = re.compile(r"\A(?:[ \t]*(?:#[^\n]*)?\r?\n)*+%")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A key or a single value, as text."""

    text: str
    is_plain: bool
    """Written without quotes, so that it may be a number or `true`."""
    line: int
    column: int
    via: str = ""
    """Where it was taken from, when it stands in another file than the place at which it counts."""

    @property
    def is_null(self) -> bool:
        """Whether nothing was written, or an explicit null."""
        return self.is_plain and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    line: int
    column: int
    via: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with their values, in the order of the file; no key occurs twice."""

    entries: dict[str, tuple[Scalar, "Node"]]
    line: int
    column: int
    via: str = ""

    def get(self, key: str) -> "Node | None":
        """The value of a key, or None."""
        found = self.entries.get(key)
        return found[1] if found else None


Node: TypeAlias = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Source:
    """What was read: no tree when the text cannot be understood as far as its structure."""

    root: Node | None
    problems: tuple[Problem, ...]


def decode_text(file: str, raw: bytes) -> str | Problem:
    """The text of a file's bytes, or what is wrong with them."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        return Problem(file, *_position(before, len(before)), "not UTF-8 text; save the file as UTF-8")


def read_source(file: str, text: str) -> Source:
    """Read one YAML document. Never raises: whatever is wrong with `text` comes back as problems."""
    unfit = _unfit(file, text)
    if unfit:
        return Source(None, (unfit,))
    builder = _Builder(file)
    parser = CParser(text)
    try:
        while parser.check_event():
            builder.take(parser.get_event())
    except _Stop:
        pass
    except MarkedYAMLError as error:
        builder.syntax_error(error, text)
    finally:
        parser.dispose()
    return builder.finish()


def _unfit(file: str, text: str) -> Problem | None:
    if len(text) > LARGEST_FILE:
        return Problem(
            file, 1, 1, f"too large: {len(text):,} characters, of which {LARGEST_FILE:,} may be used"
        )
    if text.startswith("\ufeff"):
        return Problem(file, 1, 1, "begins with a byte order mark; save the file as UTF-8 without one")
    found = _UNFIT.search(text)
    if found:
        where = _position(text, found.start())
        return Problem(file, *where, f"unusable character U+{ord(found[0]):04X}; remove it")
    if directive := _DIRECTIVE.search(text):
        where = _position(text, directive.end() - 1)
        return Problem(file, *where, "directives such as %YAML and %TAG are not used; remove the line")
    return None


def _position(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1, of the character at `index`."""
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1


class _Stop(Exception):
    """Nothing after this point can be understood."""


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet. A mapping's keys and values alternate."""

    is_mapping: bool
    line: int
    column: int
    children: list[Node]


class _Builder:
    """Puts events together into a tree without recursion, so that no nesting can exhaust the stack."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.last = (1, 1)
        self._after = (1, 1)
        """Behind the colon, where the text read last was a key."""
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0
        self._is_broken = False

    def refuse(self, line: int, column: int, message: str) -> None:
        """Note a problem after which the tree means nothing."""
        self.problems.append(Problem(self.file, line, column, message))
        self._is_broken = True

    def finish(self) -> Source:
        """The tree, unless it is broken, and every problem."""
        if self._root is None and not self.problems:
            self.refuse(1, 1, "the file is empty")
        return Source(None if self._is_broken else self._root, in_order(self.problems))

    def take(self, event: Event) -> None:
        """Add one event of the parser."""
        mark = event.start_mark
        self.last = (mark.line + 1, mark.column + 1)
        if isinstance(event, NodeEvent):
            self._take_node(event)
        elif isinstance(event, CollectionEndEvent):
            self._add(self._closed(self._open.pop()))
        elif isinstance(event, DocumentStartEvent):
            self._take_document()

    def _take_document(self) -> None:
        self._documents += 1
        if self._documents > 1:
            self.refuse(*self.last, "a second document begins here; a file holds one")
            raise _Stop

    def _take_node(self, event: NodeEvent) -> None:
        if event.anchor is not None:
            sign = "alias *" if isinstance(event, AliasEvent) else "anchor &"
            self.refuse(
                *self.last, f"{sign}{event.anchor}: anchors and aliases are not used; write the value out"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.refuse(*self.last, f"tag {quote(str(tag))}: tags are not used; remove it")
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._enter(_Open(isinstance(event, MappingStartEvent), *self.last, []))
        else:
            self._add(self._scalar(event))

    def _enter(self, opened: _Open) -> None:
        self._open.append(opened)
        if len(self._open) > DEEPEST_NESTING:
            self.refuse(*self.last, f"nested more than {DEEPEST_NESTING} levels deep")
            raise _Stop

    def _scalar(self, event: NodeEvent) -> Scalar:
        text = event.value if isinstance(event, ScalarEvent) else ""
        if found := _UNFIT.search(text):
            self.refuse(*self.last, f"unusable character U+{ord(found[0]):04X}; remove it")
        is_plain = isinstance(event, ScalarEvent) and not event.style
        is_missing = is_plain and not text and self._is_value_next
        if not is_missing:
            self._after = (event.end_mark.line + 1, event.end_mark.column + 2)
        return Scalar(text, is_plain, *(self._after if is_missing else self.last))

    @property
    def _is_value_next(self) -> bool:
        return bool(self._open) and self._open[-1].is_mapping and len(self._open[-1].children) % 2 == 1

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._root = node

    def _closed(self, done: _Open) -> Node:
        if not done.is_mapping:
            return Sequence(tuple(done.children), done.line, done.column)
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(done.children[::2], done.children[1::2], strict=True):
            self._add_entry(entries, key, value)
        return Mapping(entries, done.line, done.column)

    def _add_entry(self, entries: dict[str, tuple[Scalar, Node]], key: Node, value: Node) -> None:
        if not isinstance(key, Scalar):
            self.refuse(
                key.line,
                key.column,
                'a key must be text; put quotes around a value that begins with "{" or "["',
            )
        elif key.is_null:
            self.refuse(key.line, key.column, "a key is missing before the colon")
        elif key.text in entries:
            first = entries[key.text][0].line
            message = f"{quote(key.text)} is already given on line {first}; keep one of the two"
            self.problems.append(Problem(self.file, key.line, key.column, message))
        else:
            entries[key.text] = (key, value)

    def syntax_error(self, error: MarkedYAMLError, text: str) -> None:
        """Note where the text stopped being YAML, in words that say what to do."""
        problem = str(error.problem or error.context or error)
        begins_there = error.context_mark and problem in _AT_BEGINNING
        mark = (error.context_mark if begins_there else None) or error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else self.last
        explained = _explained(error, problem, _character(text, line, column))
        self.refuse(line, column, f"not valid YAML: {explained}")


def _character(text: str, line: int, column: int) -> str:
    lines = text.split("\n", line)
    return lines[line - 1][column - 1 : column] if len(lines) >= line else ""


_AT_BEGINNING = frozenset(["could not find expected ':'", "found unexpected end of stream"])
"""What is noticed late: the place to mend is where the key or the quote began."""

_NOT_LINED_UP = "this line does not line up with the lines above it; check the indentation"
_TAB = "a tab stands where only spaces may; indent with spaces"
_EXPLANATIONS = {
    "mapping values are not allowed in this context": (
        'a ":" is out of place; put quotes around text that contains ": ", and check the indentation'
    ),
    "block sequence entries are not allowed in this context": (
        'a list cannot begin here; put it on the next line, or put quotes around text that begins with "- "'
    ),
    "found a tab character that violates indentation": _TAB,
    "did not find expected key": _NOT_LINED_UP,
    "did not find expected '-' indicator": _NOT_LINED_UP,
    "did not find expected <document start>": _NOT_LINED_UP,
    "could not find expected ':'": 'a ":" is missing after the key, or a quoted text does not end',
    "found unexpected end of stream": "the quote opened here is not closed",
    "found invalid Unicode character escape code": "a wrong escape; write the character itself",
}
"""By what the parser says."""


def _explained(error: MarkedYAMLError, problem: str, character: str) -> str:
    if problem == "found character that cannot start any token":
        if character == "\t":
            return _TAB
        return f'a value cannot begin with "{character}"; put it in quotes'
    if problem == "did not find expected key" and character == ":":
        return "a key is missing before the colon"
    if problem.startswith("did not find expected ','") and error.context_mark:
        bracket = "{" if "mapping" in str(error.context) else "["
        begun = error.context_mark.line + 1
        return f'a "," is missing, or the "{bracket}" opened on line {begun} is not closed'
    return _EXPLANATIONS.get(problem, problem)
