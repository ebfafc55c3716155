"""What the service and its matching workers say to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from engine.conditions.tree import Condition

Answer: TypeAlias = bool | str | None
"""True, False or None for unknown; a text says why the library's answer makes no sense."""

Asked: TypeAlias = tuple[str, Mapping[str, int | str]]
"""A condition's name and the facts of a question."""

READY = "ready"
"""What a worker says first."""


@dataclass(frozen=True, slots=True)
class Load:
    """Asks to build and prove a shard. The reply is None, or why the shard is refused."""

    shard: str
    conditions: Mapping[str, Condition]
    patience: ClassVar[int] = 6
    """How many times the timeout of a batch it may take."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Asks for verdicts of a loaded shard. The reply is a list of answers in the same order."""

    shard: str
    questions: Sequence[Asked]
    patience: ClassVar[int] = 1
