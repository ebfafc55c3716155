"""Where the reading of one rule file writes down what is wrong, instead of stopping at the first problem."""

from collections.abc import Callable, Collection, Iterable
from typing import Literal, TypeVar

from engine.rulefile.problem import Problem, alternatives, nearest, quote
from engine.rulefile.source import Mapping, Node, Scalar, Sequence

Result = TypeVar("Result")
Default = TypeVar("Default")

MOST_SUGGESTIONS = 200
"""Looking for the nearest name costs a millisecond; a file of nonsense must not take minutes."""


class RefusedError(ValueError):
    """A value that cannot be read. `message` follows the name of its key, unless it stands alone."""

    def __init__(self, node: Node, message: str, *, stands_alone: bool = False) -> None:
        self.node = node
        self.message = message
        self.stands_alone = stands_alone
        super().__init__(message)


class Notes:
    """The problems found so far in one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.playbook: str | None = None
        self.problems: list[Problem] = []
        self._suggestions_left = MOST_SUGGESTIONS

    def add(self, node: Node, message: str, severity: Literal["error", "warning"] = "error") -> None:
        """Write a problem down at the place of `node`, with the place it was taken from if there is one."""
        origin = f" ({node.via})" if node.via else ""
        self.add_at(self.file, node.line, node.column, message + origin, severity)

    def add_at(
        self, file: str, line: int, column: int, message: str, severity: Literal["error", "warning"] = "error"
    ) -> None:
        """Write a problem down at a place of any file."""
        about = f"playbook {quote(self.playbook)}: " if self.playbook else ""
        self.problems.append(Problem(file, line, column, about + message, severity))

    def refuse(self, refused: RefusedError, key: str = "") -> None:
        """Write down a value that could not be read, naming its key."""
        label = f"{key}: " if key and not refused.stands_alone else ""
        self.add(refused.node, label + refused.message)

    def attempt(self, read: Callable[[Node], Result], node: Node, key: str = "") -> Result | None:
        """What `read` makes of the node, or None with the problem written down."""
        try:
            return read(node)
        except RefusedError as refused:
            self.refuse(refused, key)
            return None

    def each(self, read: Callable[[Node], Result | None], node: Node, key: str) -> list[Result]:
        """Every member of a list that could be read; problems of all the others are written down."""
        if not isinstance(node, Sequence):
            self.add(node, f'{key}: takes a list; begin each member with "- "')
            return []
        if not node.items:
            self.add(node, f"{key}: is an empty list; add a member or remove the key")
        found = [self.attempt(read, item, key) for item in node.items]
        return [one for one in found if one is not None]

    def hint(self, name: str, known: Iterable[str]) -> str:
        """` (did you mean "…"?)`, or nothing when no known name is near."""
        found = self.suggestion(name, known)
        return f" (did you mean {quote(found)}?)" if found else ""

    def suggestion(self, name: str, known: Iterable[str]) -> str | None:
        """The nearest known name, unless too many have been looked for already."""
        self._suggestions_left -= 1
        return nearest(name, known) if self._suggestions_left >= 0 else None

    def table(self, node: Node, keys: Collection[str], what: str) -> "Table":
        """The mapping that `what` must be. Raises RefusedError when it is none; notes unknown keys."""
        if not isinstance(node, Mapping):
            raise RefusedError(node, f"takes a mapping with the keys of {what}: {', '.join(keys)}")
        for name, (key, _) in node.entries.items():
            if name not in keys:
                self.add(key, f"unknown key {quote(name)} in {what}{self.hint(name, keys)}")
        return Table(node, self)


class Table:
    """A mapping being read key by key."""

    def __init__(self, node: Mapping, notes: Notes) -> None:
        self.node = node
        self.notes = notes

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries

    def key(self, name: str) -> Scalar:
        """Where the key itself stands. Raises KeyError when it is not there."""
        return self.node.entries[name][0]

    def optional(self, key: str, read: Callable[[Node], Result], default: Default) -> Result | Default:
        """The value of `key`; the default when it is absent or, with a problem noted, unreadable."""
        node = self.node.get(key)
        if node is None:
            return default
        found = self.notes.attempt(read, node, key)
        return default if found is None else found

    def maybe(self, key: str, read: Callable[[Node], Result]) -> Result | None:
        """The value of `key`, or None when it is absent or, with a problem noted, unreadable."""
        node = self.node.get(key)
        return None if node is None else self.notes.attempt(read, node, key)

    def required(self, key: str, read: Callable[[Node], Result], what: str) -> Result | None:
        """The value of `key`; None, with a problem noted, when it is absent or unreadable."""
        if key not in self:
            self.notes.add(self.node, f"{what} needs {quote(key)}")
        return self.maybe(key, read)

    def one_of(self, keys: Collection[str], what: str) -> str | None:
        """The single key of `keys` that is given; None, with a problem noted, unless it is exactly one."""
        found = [key for key in keys if key in self]
        if len(found) == 1:
            return found[0]
        if found:
            extra = alternatives(quote(key) for key in found)
            self.notes.add(self.key(found[1]), f"{what} takes only one of {extra}")
        else:
            self.notes.add(self.node, f"{what} needs one of {', '.join(keys)}")
        return None
