"""Running test files: each test on a clean stage, each expectation compared."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from engine.clock.zones import format_instant
from engine.conditions.catalogue import Catalogue
from engine.rehearsal.compare import Difference, differences
from engine.rehearsal.parse import parse_tests
from engine.rehearsal.script import Expectation, Move, Rehearsal
from engine.rehearsal.stage import CannotPlayError, Stage
from engine.rulebook import default_guard
from engine.rulefile.load import TEST, Rules, load_files
from engine.rulefile.problem import Problem
from engine.rulefile.source import decode_text
from engine.settings import Settings
from engine.state.migrate import migrated


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

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: at {format_instant(self.at)}"
        if self.message:
            return f"{place}: {self.message}"
        lines = [f"{place}: expected (-) and happened (+) differ"]
        for each in self.differences:
            lines += [f"    {each.about}:", *(f"      {line}" for line in each.lines)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Result:
    """How one test went."""

    test: Rehearsal
    failures: tuple[Failure, ...]

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

    @property
    def passed(self) -> bool:
        """Whether every test could be run and went as expected."""
        return not self.problems and all(each.passed for each in self.results)


def find_tests(paths: Iterable[Path]) -> list[Path]:
    """The test files among `paths` and in its folders; a rule file stands for the tests beside it."""
    return sorted({found for path in paths for found in _find_tests(path)})


def _find_tests(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (each for each in path.rglob(f"*{TEST}") if not each.name.startswith("."))
    elif path.name.endswith(TEST):
        yield path
    elif (beside := path.with_name(path.stem + TEST)).is_file():
        yield beside


def rehearse(
    files: Iterable[Path],
    settings: Settings,
    catalogue: Catalogue,
    *,
    wanted: Callable[[Rehearsal], bool] = lambda test: True,
) -> Iterator[Report]:
    """Run the tests of each file against the playbook beside it, on a database that is thrown away."""
    with TemporaryDirectory(prefix="tminus-test-") as folder:
        database = migrated(f"sqlite:///{folder}/stage.db")
        try:
            for file in files:
                yield _report(file, database, settings, catalogue, wanted)
        finally:
            database.dispose()


def _report(
    file: Path,
    database: Engine,
    settings: Settings,
    catalogue: Catalogue,
    wanted: Callable[[Rehearsal], bool],
) -> Report:
    name = file.as_posix()
    text = decode_text(name, file.read_bytes())
    if isinstance(text, Problem):
        return Report(name, problems=(text,))
    script = parse_tests(name, text, catalogue)
    beside = file.with_name(file.name.removesuffix(TEST) + ".yaml")
    if not beside.is_file():
        message = f"no playbook stands beside it; the tests in {file.name} are for {beside.name}"
        return Report(name, problems=(Problem(name, 1, 1, message),))
    stages = _Stages(beside, database, settings, catalogue)
    problems = (*script.problems, *(one for test in script.tests for one in stages.problems(test)))
    if problems or not script.tests:
        return Report(name, problems=tuple(dict.fromkeys(problems)))
    return Report(name, tuple(_result(stages.of(test), test) for test in script.tests if wanted(test)))


@dataclass
class _Stages:
    """One stage for each set of playbooks that tests of a file want."""

    beside: Path
    database: Engine
    settings: Settings
    catalogue: Catalogue
    _rules: dict[tuple[str, ...], Rules] = field(default_factory=dict)
    _made: dict[tuple[str, ...], Stage] = field(default_factory=dict)

    def problems(self, test: Rehearsal) -> Iterator[Problem]:
        """What keeps the playbooks of a test from being used."""
        for other in test.others:
            if not (self.beside.parent / other).is_file():
                message = f"with: {other} is no file; write its path from the folder of the test"
                yield Problem(test.file, test.line, test.column, message)
                return
        yield from (each for each in self._load(test).problems if each.is_error)

    def of(self, test: Rehearsal) -> Stage:
        """The stage of a test that has no problems."""
        if test.others not in self._made:
            settings = self.settings.model_copy(update={"rules": self.beside})
            self._made[test.others] = Stage(
                self.database, settings, self.catalogue, self._load(test), self.beside.as_posix()
            )
        return self._made[test.others]

    def _load(self, test: Rehearsal) -> Rules:
        if test.others not in self._rules:
            self._rules[test.others] = load_files(
                [self.beside, *(self.beside.parent / each for each in test.others)],
                self.settings.templates,
                catalogue=self.catalogue,
                roles=self.settings.roles,
                guard=default_guard(self.settings),
            )
        return self._rules[test.others]


def _result(stage: Stage, test: Rehearsal) -> Result:
    try:
        stage.open(test)
    except CannotPlayError as error:
        return Result(test, (Failure(test.file, test.line, test.column, test.at, message=str(error)),))
    failures = []
    for move in test.timeline:
        try:
            stage.play(move)
        except CannotPlayError as error:
            failures.append(Failure(test.file, move.line, move.column, move.at, message=str(error)))
            break
        failures += list(_judged(stage, test, move))
    return Result(test, tuple(failures))


def _judged(stage: Stage, test: Rehearsal, move: Move) -> Iterator[Failure]:
    expected: Expectation | None = move.expectation
    if expected is None:
        return
    found = differences(expected, stage.look())
    if found:
        yield Failure(test.file, expected.line, expected.column, move.at, tuple(found))
