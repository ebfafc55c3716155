"""What can go wrong between us and another side, and what follows: the rows of docs/faults.md, all proven."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["sent", "again", "blocked", "given up", "unknown"]
"""`blocked` is `again`, and counts towards the connector's rest, as `unknown` does."""

WORDS: Mapping[Outcome, str] = {
    "sent": "sent",
    "again": "tried again",
    "blocked": "tried again; the way counts as blocked",
    "given up": "given up",
    "unknown": "unknown; the way counts as blocked",
}
SECRET = "sEcReT-word"
"""Stands in every password, token and address, and must stand in nothing that is kept."""
PATIENCE = 5.0
SHORT = 0.3
"""Seconds for one answer: usually, and where a row is about waiting in vain."""


@dataclass(frozen=True)
class Fault:
    """One thing a server does, and what must follow of the message that met it."""

    section: str
    name: str
    """What the other side does, for people."""
    outcome: Outcome
    reason: str
    """What is recorded, with SERVER in place of host and port."""
    seen: int = 0
    """How often the server has then got the whole message."""
    kinds: tuple[str, ...] = ()
    """The connectors it is proven with."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the connector, beside where it is."""
    does: Mapping[str, Any] = field(default_factory=dict)
    """To the test's server."""
    asked: int | None = None
    """Seconds that the other side asks us to stay away."""
    patience: float = PATIENCE
    size: int = 0
    """Bytes that the message has at least."""

    @property
    def id(self) -> str:
        """Names it in a test run."""
        return f"{self.section}: {self.name}"


def table(faults: Sequence[Fault]) -> str:
    """The rows as the documents show them."""
    head = "| the other side | the message | it had got all of it | what is recorded |\n|---|---|---|---|"
    return "\n".join([head, *map(_row, faults)])


def inbox_table(faults: Sequence[Fault]) -> str:
    """The rows of a mailbox that is read, as the documents show them."""
    head = "| the mail server | messages read before that | what the log says |\n|---|---|---|"
    return "\n".join(
        [head, *(f"| {_cell(each.name)} | {each.seen} | {_cell(each.reason)} |" for each in faults)]
    )


def _row(fault: Fault) -> str:
    seen = {0: "no", 1: "yes"}[fault.seen]
    words = WORDS[fault.outcome]
    if fault.asked is not None:
        words += f", not within {fault.asked:,} s"
    if len(fault.kinds) > 1:
        words += " ¹"
    return f"| {_cell(fault.name)} | {words} | {seen} | {_cell(fault.reason)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
