"""What is wrong with a rule file, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

LONGEST_QUOTE = 60
"""Characters of a rule file repeated in a message."""

_LONGEST_NAME = 80
"""Longer names are nobody's slip of the pen, and comparing them would take long."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        mark = "warning: " if self.severity == "warning" else ""
        return f"{self.file}:{self.line}:{self.column}: {mark}{self.message}"

    @property
    def is_error(self) -> bool:
        """Whether the file cannot be used because of it."""
        return self.severity == "error"

    @property
    def position(self) -> tuple[str, int, int, str]:
        """The order in which problems are listed."""
        return (self.file, self.line, self.column, self.message)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems by file, line and column, each once."""
    return tuple(sorted(set(problems), key=lambda each: (each.position, each.severity)))


def quote(text: str) -> str:
    """The text in double quotes on one line: shortened, and with invisible characters made visible."""
    shown = text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"
    return '"' + "".join(_visible(each) for each in shown) + '"'


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    if len(name) > _LONGEST_NAME:
        return None
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(name.lower().replace(" ", "_"), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def alternatives(names: Iterable[str]) -> str:
    """`a, b or c`."""
    *others, last = list(names) or ["nothing"]
    return f"{', '.join(others)} or {last}" if others else last


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
