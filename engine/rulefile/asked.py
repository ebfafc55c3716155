"""One question of a condition while it is being read, and the place where it stands."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.conditions.catalogue import Field, Kind
from engine.conditions.operators import Operator
from engine.conditions.phrase import condition_words
from engine.conditions.tree import Condition, Derived, Predicate
from engine.rulefile.notes import Table
from engine.rulefile.scope import Scope
from engine.rulefile.source import Node, Scalar


@dataclass(frozen=True, slots=True)
class Place:
    """Where a condition stands, and so what it may ask."""

    path: str
    """`steps.outreach.if`"""
    takes: Literal["state", "moment", "either"] = "state"
    has_steps: bool = False
    """Whether it is read within a run, whose steps it can see."""
    is_where: bool = False
    """Whether it says who counts, and so sees one member and its account, and nothing else."""

    def member(self, kind: str, index: int) -> "Place":
        """The place of a member of a group, where only states make sense."""
        return Place(f"{self.path}.{kind}[{index}]", "state", self.has_steps, self.is_where)

    def where(self) -> "Place":
        """The place of what says who counts."""
        return Place(f"{self.path}.where", is_where=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """One predicate being read: the operator is known, what follows it is not."""

    row: Operator
    key: str
    """The operator's key in the file; empty for a bare event."""
    table: Table
    scope: Scope
    place: Place
    field: Field | None = None
    derived: Derived | None = None
    """What is counted or summed in place of a field."""
    where: Condition | None = None
    """Of an event, which of that name is meant."""

    @property
    def is_share(self) -> bool:
        """Whether the value is a percentage of another field: `of` names more than whose they are."""
        if "of" not in self.table:
            return False
        node = self.table.node.entries["of"][1]
        is_relation = isinstance(node, Scalar) and node.text.strip() == Kind.ACCOUNT
        return self.derived is None or not is_relation

    @property
    def node(self) -> Node:
        """What stands after the operator."""
        return self.table.node.entries[self.key][1]

    def predicate(self, **parts: Any) -> Predicate:
        """The finished predicate."""
        found = Predicate(self.row.keyword, self.place.path, field=self.field, derived=self.derived, **parts)
        if self.where is None:
            return found
        return replace(found, where=self.where, where_words=condition_words(self.where))


def field_of(asked: Asked) -> Field:
    """The field that is asked about; nothing is counted or summed."""
    assert asked.field is not None
    return asked.field
