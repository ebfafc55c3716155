"""`tminus test`: the tests of playbooks, `NAME.test.yaml` beside `NAME.yaml`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.rehearsal.run import Failure, Report, Result, find_tests, rehearse


def test(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Test files, rule files or folders; the configured rules when left out."),
    ] = None,  # noqa: PT028 - a command, not a test
    name: Annotated[str, typer.Option("--name", help="Only tests whose name contains this.")] = "",  # noqa: PT028
    json: JsonOption = False,  # noqa: PT028
) -> None:
    """Run the tests of playbooks. Ends with 1 when one fails or cannot be run."""
    shell: Shell = ctx.obj
    files = _files(shell, paths or [shell.settings.rules])
    reports = []
    settings = shell.settings
    for report in rehearse(files, settings, settings.catalogue(), wanted=lambda each: name in each.name):
        reports.append(report)
        if not json:
            _print(shell, report)
    _refuse_unknown_name(shell, name, reports)
    if json:
        shell.print_json([_as_json(each) for each in reports])
    else:
        shell.console.print(_summary(reports), markup=False)
    if not all(each.passed for each in reports):
        raise typer.Exit(1)


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
    }


def _result_as_json(result: Result) -> dict[str, Any]:
    return {
        "name": result.test.name,
        "line": result.test.line,
        "passed": result.passed,
        "failures": [_failure_as_json(each) for each in result.failures],
    }


def _failure_as_json(failure: Failure) -> dict[str, Any]:
    return {
        "line": failure.line,
        "column": failure.column,
        "at": format_instant(failure.at),
        "message": failure.message,
        "differences": [{"about": each.about, "lines": list(each.lines)} for each in failure.differences],
    }
