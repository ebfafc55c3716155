"""Running test files: each test on a clean stage, each expectation compared."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from engine.conditions.catalogue import Catalogue
from engine.rehearsal.compare import differences, missing_steps, reasons_differ
from engine.rehearsal.coverage import Coverage, cover
from engine.rehearsal.parse import parse_tests
from engine.rehearsal.reasons import Explainer
from engine.rehearsal.report import Failure, Report, Result
from engine.rehearsal.script import Expectation, Move, Rehearsal
from engine.rehearsal.shelf import RuleShelf
from engine.rehearsal.stage import CannotPlayError, Stage
from engine.rulefile.configured import known_to
from engine.rulefile.folder import RULE, TEST
from engine.rulefile.load import Rules, load_files, shared_files
from engine.rulefile.problem import Problem
from engine.rulefile.source import Source, decode_text
from engine.settings import Settings


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
    beside: Mapping[str, Source] | None = None,
) -> Iterator[Report]:
    """Run the tests of each file against the playbook beside it, in memory.

    `beside` has the files whose conditions and blueprints may be used; they are read where it is left out.
    """
    beside = shared_files(settings.rules) if beside is None else beside
    explainer = Explainer()
    try:
        for file in files:
            yield _report(file, explainer, settings, catalogue, wanted, beside)
    finally:
        explainer.close()


def _report(
    file: Path,
    explainer: Explainer,
    settings: Settings,
    catalogue: Catalogue,
    wanted: Callable[[Rehearsal], bool],
    beside: Mapping[str, Source],
) -> Report:
    name = file.as_posix()
    text = decode_text(name, file.read_bytes())
    if isinstance(text, Problem):
        return Report(name, problems=(text,))
    script = parse_tests(name, text, catalogue)
    rule = file.with_name(file.name.removesuffix(TEST) + ".yaml")
    if not rule.is_file():
        message = f"no playbook stands beside it; the tests in {file.name} are for {rule.name}"
        return Report(name, problems=(Problem(name, 1, 1, message),))
    stages = _Stages(rule, explainer, settings, catalogue, beside)
    problems = (*script.problems, *(one for test in script.tests for one in stages.problems(test)))
    if problems or not script.tests:
        return Report(name, problems=tuple(dict.fromkeys(problems)))
    results = tuple(_result(stages.of(test), test) for test in script.tests if wanted(test))
    return Report(name, results, coverage=stages.coverage())


@dataclass
class _Stages:
    """One stage for each set of playbooks that tests of a file want."""

    beside: Path
    explainer: Explainer
    settings: Settings
    catalogue: Catalogue
    shared: Mapping[str, Source]
    """The files whose conditions and blueprints may be used."""
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
            shelf = RuleShelf(settings, self.catalogue, self._load(test))
            self._made[test.others] = Stage(shelf, self.beside.as_posix(), self.explainer)
        return self._made[test.others]

    def coverage(self) -> Coverage | None:
        """How far the tests played until now have exercised the playbook; None where it has errors."""
        passed = {one for each in self._made.values() for one in each.passed}
        rules = next(iter(self._rules.values()))
        file = self.beside.as_posix()
        for playbook in rules.playbooks:
            if playbook.file == file:
                return cover(playbook, rules.roots[playbook.name], passed)
        return None

    def _load(self, test: Rehearsal) -> Rules:
        if test.others not in self._rules:
            files = [self.beside, *(self.beside.parent / each for each in test.others)]
            self._rules[test.others] = _load(files, self.settings, self.catalogue, self.shared)
        return self._rules[test.others]


def _load(
    files: Iterable[Path], settings: Settings, catalogue: Catalogue, beside: Mapping[str, Source]
) -> Rules:
    return load_files(files, settings.templates, known_to(settings, catalogue), beside=beside)


def untested(paths: Iterable[Path], settings: Settings, catalogue: Catalogue) -> Iterator[Report]:
    """A report without results for each rule file among `paths`, and in its folders, that has no tests."""
    files = {each for path in paths for each in (path.rglob(f"*{RULE}") if path.is_dir() else [path])}
    bare = [each for each in files if not each.name.startswith(".") and not list(_find_tests(each))]
    rules = _load(bare, settings, catalogue, shared_files(settings.rules))
    for playbook in rules.playbooks:
        yield Report(playbook.file, coverage=cover(playbook, rules.roots[playbook.name], ()))
    for file in sorted({each.file for each in rules.problems if each.is_error}):
        yield Report(
            file, problems=tuple(each for each in rules.problems if each.file == file and each.is_error)
        )


def _result(stage: Stage, test: Rehearsal) -> Result:
    began = perf_counter()
    failures = tuple(_failures(stage, test))
    return Result(test, failures, perf_counter() - began)


def _failures(stage: Stage, test: Rehearsal) -> Iterator[Failure]:
    try:
        stage.open(test)
    except CannotPlayError as error:
        yield Failure(test.file, test.line, test.column, test.at, message=str(error))
        return
    for move in test.timeline:
        try:
            stage.play(move)
        except CannotPlayError as error:
            yield Failure(test.file, move.line, move.column, move.at, message=str(error))
            return
        yield from _judged(stage, test, move)


def _judged(stage: Stage, test: Rehearsal, move: Move) -> Iterator[Failure]:
    expected: Expectation | None = move.expectation
    if expected is None:
        return
    actual = stage.look()
    found = differences(expected, actual)
    if expected.why is not None:
        found += reasons_differ(expected.why, stage.reasons(move.at))
    if found:
        place = (test.file, expected.line, expected.column)
        why = tuple(_why(stage, move, {each.about for each in found}, missing_steps(expected, actual)))
        yield Failure(*place, move.at, tuple(found), why=why)


def _why(stage: Stage, move: Move, about: set[str], missing: list[str]) -> list[str]:
    """What explains the differences: what became of missing steps, and why runs did or did not start."""
    fates = stage.fates(missing)
    is_about_runs = not about.isdisjoint(("starts", "ended", "held")) or (missing and not fates)
    return [*(stage.reasons(move.at) if is_about_runs else ()), *fates]
