"""Which parts of a playbook its tests have exercised, and which never."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from engine.fold.case import Passed
from engine.rulefile.model import ChooseAction, Leave, Playbook
from engine.rulefile.places import place_of
from engine.rulefile.source import Node

Kind: TypeAlias = Literal["triggers", "branches", "exits", "steps"]
KINDS: tuple[Kind, ...] = ("triggers", "branches", "exits", "steps")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many parts of a kind there are, and how many of them did something in a test."""

    exercised: int
    all: int

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.exercised + other.exercised, self.all + other.all)

    @property
    def percent(self) -> Fraction:
        """From 0 to 100; 100 where there is nothing to exercise."""
        return Fraction(100 * self.exercised, self.all) if self.all else Fraction(100)


@dataclass(frozen=True, slots=True)
class Missed:
    """A part that no test has exercised, at its place in the rule file."""

    kind: Kind
    path: str
    line: int
    column: int
    words: str
    """What never happens: "step call: never acts"."""


@dataclass(frozen=True)
class Coverage:
    """One playbook's coverage by the tests that were run."""

    file: str
    playbook: str
    tallies: Mapping[Kind, Tally]
    missed: tuple[Missed, ...]
    """In the order of the file."""

    @property
    def total(self) -> Tally:
        """All kinds together."""
        return added(self.tallies.values())


def added(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    return sum(tallies, Tally(0, 0))


def cover(playbook: Playbook, root: Node | None, passed: Collection[Passed]) -> Coverage:
    """The coverage of a playbook, whose file has this tree, by the places that tests have passed."""
    parts = list(_parts(playbook))
    tallies = {
        kind: Tally(
            sum(each in passed for each_kind, each, _ in parts if each_kind == kind),
            sum(each_kind == kind for each_kind, _, _ in parts),
        )
        for kind in KINDS
    }
    missed = [part for part in parts if part[1] not in passed]
    placed = [Missed(kind, each.path, *place_of(root, each.path), words) for kind, each, words in missed]
    return Coverage(
        playbook.file,
        playbook.name,
        tallies,
        tuple(sorted(placed, key=lambda each: (each.line, each.column, each.words))),
    )


def _parts(playbook: Playbook) -> Iterator[tuple[Kind, Passed, str]]:
    """Every part that can do something, with the words for one that never does."""
    name = playbook.name
    if playbook.when is not None:
        yield "triggers", Passed(name, "when"), "when: never starts a run"
    for moment in playbook.on:
        path = moment.predicate.path
        yield "triggers", Passed(name, path), f"{path}: never starts a run"
    if playbook.every is not None:
        yield "triggers", Passed(name, "every"), "every: never starts a run"
    if playbook.leave is Leave.EXIT:
        yield "exits", Passed(name, "audience"), "audience: leaving it never ends a run"
    for step in playbook.steps:
        path = f"steps.{step.id}"
        yield "steps", Passed(name, path), f"step {step.id}: never acts"
        if step.condition is not None:
            for answer in (True, False):
                words = f"step {step.id}: its if is never {str(answer).lower()}"
                yield "branches", Passed(name, f"{path}.if", answer), words
        if isinstance(step.action, ChooseAction):
            yield from _ways(name, step.id, step.action)
    for index, leaving in enumerate(playbook.exits):
        yield "exits", Passed(name, f"exit[{index}]"), f"exit {leaving.outcome}: never ends a run"


def _ways(name: str, step_id: str, action: ChooseAction) -> Iterator[tuple[Kind, Passed, str]]:
    """Each branch of a `choose`, and that none is true where the last one asks something."""
    path = f"steps.{step_id}.choose"
    for index in range(len(action.branches)):
        yield "branches", Passed(name, f"{path}[{index}]"), f"step {step_id}: never takes branch {index + 1}"
    if action.branches[-1].condition is not None:
        words = f"step {step_id}: never finds all its branches untrue"
        yield "branches", Passed(name, path, answer=False), words
