"""Conditions that rule files share: `conditions: {NAME: …}` in one file, `{condition: NAME}` in others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.rulefile.notes import Notes, RefusedError
from engine.rulefile.parse_values import slug, text
from engine.rulefile.problem import Problem, quote
from engine.rulefile.relocate import relocated, size
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Scalar, Sequence

CONDITIONS_KEY = "conditions"
USE_KEY = "condition"

MOST_UNFOLDED = 20_000
"""Keys and values that the shared conditions of one file may stand for: few lines never become millions."""

MOST_LEVELS = 6
"""Shared conditions within one another."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One shared condition."""

    name: str
    node: Node
    file: str
    line: int
    column: int
    """Of its name."""
    is_sound: bool = True

    @property
    def place(self) -> str:
        """`rules/conditions.yaml:3:5`"""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass
class SharedConditions:
    """The shared conditions that one file may use, and those that it does use."""

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    used: dict[str, Definition] = field(default_factory=dict)
    _unfolded: int = 0

    def take(self, use: Node, name_node: Node, notes: Notes) -> tuple[str, Node]:
        """The name of the condition used and what it says, as if it stood at `use`.

        Raises RefusedError when there is none of that name, or none that can be used.
        """
        name = text(name_node)
        found = self.definitions.get(name)
        if found is None:
            hint = notes.hint(name, self.definitions) or "; define it under conditions: in a file of its own"
            raise RefusedError(name_node, f"unknown shared condition {quote(name)}{hint}", stands_alone=True)
        if not found.is_sound:
            message = f"condition {quote(name)} cannot be used; see the problems at {found.place}"
            raise RefusedError(name_node, message, stands_alone=True)
        self._unfolded += size(found.node)
        if self._unfolded > MOST_UNFOLDED:
            message = f"the shared conditions used here stand for more than {MOST_UNFOLDED:,} values"
            raise RefusedError(use, message, stands_alone=True)
        self.used[name] = found
        return name, relocated(found.node, use, f"condition {quote(name)}", found.file)

    def used_tree(self) -> MappingNode | None:
        """The definitions used, as the tree of a file that holds nothing else; None when there are none."""
        if not self.used:
            return None
        entries = {name: (Scalar(name, True, 1, 1), each.node) for name, each in sorted(self.used.items())}
        inner = MappingNode(entries, 1, 1)
        return MappingNode({CONDITIONS_KEY: (Scalar(CONDITIONS_KEY, True, 1, 1), inner)}, 1, 1)


def list_definitions(root: Node, notes: Notes) -> dict[str, Definition]:
    """What a file of shared conditions defines, by name; problems with its form and names are noted."""
    table = notes.attempt(lambda node: notes.table(node, (CONDITIONS_KEY,), "a file of conditions"), root)
    listed = table.node.get(CONDITIONS_KEY) if table else None
    if not isinstance(listed, MappingNode) or not listed.entries:
        at = listed or root
        notes.add(at, f"{CONDITIONS_KEY}: takes a mapping of names, each with a condition")
        return {}
    found = {}
    for name, (key, node) in listed.entries.items():
        if notes.attempt(slug, key, CONDITIONS_KEY) is not None:
            found[name] = Definition(name, node, notes.file, key.line, key.column)
    return found


def repeated(files: Iterable[Mapping[str, Definition]]) -> Iterator[Problem]:
    """A problem for every name that is defined in two files, at both places."""
    seen: dict[str, Definition] = {}
    for definitions in files:
        for name, each in definitions.items():
            other = seen.setdefault(name, each)
            if other is not each:
                yield _repeated(each, other)
                yield _repeated(other, each)


def _repeated(one: Definition, other: Definition) -> Problem:
    message = f"condition {quote(one.name)}: {other.place} has the same name; rename one of the two"
    return Problem(one.file, one.line, one.column, message)


def uses(node: Node) -> dict[str, Scalar]:
    """The shared conditions that a condition names, each with the place of its first use."""
    found: dict[str, Scalar] = {}
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Sequence):
            waiting += reversed(each.items)
        elif isinstance(each, MappingNode):
            named = each.get(USE_KEY)
            if isinstance(named, Scalar):
                found.setdefault(named.text.strip(), named)
            waiting += [value for _, value in reversed(each.entries.values())]
    return found


def in_reading_order(definitions: Mapping[str, Definition], problems: list[Problem]) -> list[Definition]:
    """The definitions, those that others use before the others.

    Left out, with a problem added for each, are those that use one another in a circle or lie too deep.
    """
    needs = {
        name: {used: at for used, at in uses(each.node).items() if used in definitions}
        for name, each in definitions.items()
    }
    levels = _levels(needs)
    problems += _circles(definitions, {name: each for name, each in needs.items() if name not in levels})
    for name, level in levels.items():
        if level > MOST_LEVELS:
            each = definitions[name]
            message = f"condition {quote(name)}: more than {MOST_LEVELS} shared conditions within one another"
            problems.append(Problem(each.file, each.line, each.column, message))
    kept = [name for name, level in sorted(levels.items(), key=lambda each: each[1]) if level <= MOST_LEVELS]
    return [definitions[name] for name in kept]


def _levels(needs: Mapping[str, Mapping[str, Scalar]]) -> dict[str, int]:
    """How many definitions deep each one goes, itself included; those in or behind a circle are left out."""
    users: dict[str, list[str]] = {name: [] for name in needs}
    for name, used in needs.items():
        for each in used:
            users[each].append(name)
    missing = {name: len(used) for name, used in needs.items()}
    levels = {name: 1 for name, count in missing.items() if not count}
    waiting = list(levels)
    for name in waiting:
        for user in users[name]:
            missing[user] -= 1
            if not missing[user]:
                levels[user] = 1 + max(levels[used] for used in needs[user])
                waiting.append(user)
    return levels


def _circles(
    definitions: Mapping[str, Definition], needs: Mapping[str, Mapping[str, Scalar]]
) -> Iterator[Problem]:
    """A problem for each circle among definitions that wait for one another."""
    cleared: set[str] = set()
    for start in needs:
        trail: list[str] = []
        at = start
        while at in needs and at not in cleared:
            cleared.add(at)
            trail.append(at)
            at = next(each for each in needs[at] if each in needs)
        if at in trail:
            circle = trail[trail.index(at) :]
            place = needs[circle[-1]][at]
            words = " -> ".join([*circle, at])
            message = f"shared conditions use one another in a circle: {words}"
            yield Problem(definitions[circle[-1]].file, place.line, place.column, message)
