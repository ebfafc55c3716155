"""`tminus test`: the tests of playbooks, `NAME.test.yaml` beside `NAME.yaml`."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.coverage_table import as_plain, shown, table, total
from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.rehearsal.abreast import WorkerLostError, rehearse_abreast, usual_processes
from engine.rehearsal.coverage import Coverage
from engine.rehearsal.junit import as_junit
from engine.rehearsal.report import Failure, Report, Result
from engine.rehearsal.run import find_tests, untested

Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Test files, rule files or folders; the configured rules when left out."),
]
Name = Annotated[str, typer.Option("--name", "-k", help="Only tests whose name contains this.")]
Covering = Annotated[
    bool, typer.Option("--coverage", help="Show which parts of the playbooks no test exercises.")
]
Least = Annotated[
    float | None,
    typer.Option(min=0, max=100, help="End with 1 when fewer percent of all parts are exercised."),
]
Processes = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Files played at once; as many as processors when left out."),
]
Junit = Annotated[Path | None, typer.Option(help="Write a JUnit report for a build server to this file.")]


def test(
    ctx: typer.Context,
    paths: Paths = None,  # noqa: PT028 - a command, not a test
    name: Name = "",  # noqa: PT028
    coverage: Covering = False,  # noqa: PT028
    min_coverage: Least = None,  # noqa: PT028
    processes: Processes = None,  # noqa: PT028
    junit: Junit = None,  # noqa: PT028
    json: JsonOption = False,  # noqa: PT028
) -> None:
    """Run the tests of playbooks. Ends with 1 when one fails or cannot be run."""
    shell: Shell = ctx.obj
    chosen = paths or [shell.settings.rules]
    files = _files(shell, chosen)
    reports = []
    settings = shell.settings
    try:
        for report in rehearse_abreast(
            files,
            settings,
            settings.catalogue(),
            processes=processes or usual_processes(),
            wanted=lambda each: name in each.name,
        ):
            reports.append(report)
            if not json:
                _print(shell, report)
    except WorkerLostError as error:
        shell.refuse(f"{error}; try again with --processes 1")
    _refuse_unknown_name(shell, name, reports)
    is_covered = coverage or min_coverage is not None
    bare = list(untested(chosen, settings, settings.catalogue())) if is_covered else []
    found = [each.coverage for each in (*reports, *bare) if each.coverage is not None]
    if junit is not None:
        _write(shell, junit, as_junit(reports))
    if json:
        shell.print_json([_as_json(each) for each in (*reports, *bare)])
    else:
        for each in bare:
            _print(shell, each)
        shell.console.print(_summary([*reports, *bare]), markup=False)
        if is_covered and found:
            shell.console.print("\n".join(table(found)), markup=False)
    suffices = _suffices(shell, found, min_coverage)
    if not suffices or not all(each.passed for each in (*reports, *bare)):
        raise typer.Exit(1)


def _write(shell: Shell, file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        shell.refuse(f"{file} cannot be written: {error.strerror or error}")


def _suffices(shell: Shell, found: list[Coverage], wanted: float | None) -> bool:
    """Whether enough is exercised; says so where it is not."""
    percent = total(found).percent
    if wanted is None or percent >= Fraction(str(wanted)):
        return True
    shell.say(f"{shown(percent)} of all parts are exercised by a test; at least {wanted:g}% are wanted")
    return False


def _files(shell: Shell, paths: list[Path]) -> list[Path]:
    for path in paths:
        if not path.exists():
            shell.refuse(f"{path} does not exist")
    found = find_tests(paths)
    if not found:
        named = ", ".join(map(str, paths))
        shell.refuse(
            f"{named}: no tests here; write them into NAME.test.yaml beside the playbook's NAME.yaml"
        )
    return found


def _refuse_unknown_name(shell: Shell, name: str, reports: list[Report]) -> None:
    if name and not any(each.results or each.problems for each in reports):
        shell.refuse(f'no test has "{name}" in its name')


def _print(shell: Shell, report: Report) -> None:
    for problem in report.problems:
        shell.console.print(str(problem), markup=False)
    for result in report.results:
        mark = "ok    " if result.passed else "FAILED"
        shell.console.print(f"{mark} {report.file}: {result.test.name}", markup=False)
        for failure in result.failures:
            shell.console.print(str(failure), markup=False)


def _summary(reports: list[Report]) -> str:
    results = [each for report in reports for each in report.results]
    failed = sum(not each.passed for each in results)
    unusable = sum(bool(each.problems) for each in reports)
    words = [_count(len(results), "test"), f"{failed} failed" if failed else "all passed"]
    if not results:
        words = ["no test was run"]
    if unusable:
        words.append(f"{_count(unusable, 'file')} could not be used")
    return ", ".join(words)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "file": report.file,
        "passed": report.passed,
        "problems": [
            {"file": each.file, "line": each.line, "column": each.column, "message": each.message}
            for each in report.problems
        ],
        "tests": [_result_as_json(each) for each in report.results],
        "coverage": None if report.coverage is None else as_plain(report.coverage),
    }


def _result_as_json(result: Result) -> dict[str, Any]:
    return {
        "name": result.test.name,
        "line": result.test.line,
        "passed": result.passed,
        "seconds": round(result.seconds, 4),
        "failures": [_failure_as_json(each) for each in result.failures],
    }


def _failure_as_json(failure: Failure) -> dict[str, Any]:
    return {
        "line": failure.line,
        "column": failure.column,
        "at": format_instant(failure.at),
        "message": failure.message,
        "differences": [{"about": each.about, "lines": list(each.lines)} for each in failure.differences],
        "why": list(failure.why),
    }
