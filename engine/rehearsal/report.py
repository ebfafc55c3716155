"""How tests went: failures, results and reports as values."""

from dataclasses import dataclass
from datetime import datetime

from engine.clock.zones import format_instant
from engine.rehearsal.compare import Difference
from engine.rehearsal.coverage import Coverage
from engine.rehearsal.script import Rehearsal
from engine.rulefile.problem import Problem


@dataclass(frozen=True, slots=True)
class Failure:
    """A moment at which a test did not go as expected, at the place of its expectation."""

    file: str
    line: int
    column: int
    at: datetime
    differences: tuple[Difference, ...] = ()
    message: str = ""
    """Set where the timeline itself could not be played."""
    why: tuple[str, ...] = ()
    """What the playbook made of its subjects, and what became of the steps that are missing."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: at {format_instant(self.at)}"
        if self.message:
            return f"{place}: {self.message}"
        lines = [f"{place}: expected (-) and happened (+) differ"]
        for each in self.differences:
            lines += [f"    {each.about}:", *(f"      {line}" for line in each.lines)]
        if self.why:
            lines += ["    why:", *(f"      {line}" for line in self.why)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Result:
    """How one test went."""

    test: Rehearsal
    failures: tuple[Failure, ...]
    seconds: float = 0.0
    """How long it took to play."""

    @property
    def passed(self) -> bool:
        """Whether everything went as expected."""
        return not self.failures


@dataclass(frozen=True)
class Report:
    """How one test file went."""

    file: str
    results: tuple[Result, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What keeps the file, or the playbook beside it, from being used."""
    coverage: Coverage | None = None
    """Of the playbook, where it can be used."""

    @property
    def passed(self) -> bool:
        """Whether every test could be run and went as expected."""
        return not self.problems and all(each.passed for each in self.results)
