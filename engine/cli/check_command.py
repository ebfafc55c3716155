"""`tminus check`: everything wrong with the rule files, and what is unwise in them, at once."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from engine.authoring.last_change import last_changes
from engine.authoring.lint import lint
from engine.cli.shell import JsonOption, Shell
from engine.rulefile.configured import known_to
from engine.rulefile.load import Rules, load_files, load_rules, shared_files
from engine.rulefile.problem import in_order
from engine.settings import ConfigError


def check(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Rule files or folders; the configured rules when left out.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check rule files and the templates they name. Ends with 1 when there is an error."""
    shell: Shell = ctx.obj
    for path in paths or ():
        if not path.exists():
            shell.refuse(f"{path} does not exist")
    rules = _with_warnings(shell, _rules(shell, paths or []))
    if json:
        shell.print_json([asdict(each) for each in rules.problems])
    else:
        _print(shell, rules)
    if not rules.is_sound:
        raise typer.Exit(1)


def _rules(shell: Shell, paths: list[Path]) -> Rules:
    settings = shell.settings
    try:
        known = known_to(settings, settings.catalogue())
    except ConfigError as error:
        shell.refuse(str(error))
    configured = partial(load_rules, settings.rules, settings.templates, known)
    if not paths:
        return configured()
    return load_files(
        paths,
        settings.templates,
        known,
        others=lambda: configured().names,
        beside=shared_files(settings.rules),
    )


def _with_warnings(shell: Shell, rules: Rules) -> Rules:
    """The rules with what is legal in them and unwise among their problems."""
    reviewed = [Path(each.file) for each in rules.playbooks if each.review_every]
    settings, now = shell.settings, datetime.now(UTC)
    found = lint(rules, settings, settings.catalogue(), last_changes(reviewed), now)
    return replace(rules, problems=in_order([*rules.problems, *found]))


def _print(shell: Shell, rules: Rules) -> None:
    for problem in rules.problems:
        shell.console.print(str(problem), markup=False)
    shell.console.print(_summary(rules), markup=False)


def _summary(rules: Rules) -> str:
    errors = sum(each.is_error for each in rules.problems)
    warnings = len(rules.problems) - errors
    found = (
        f"{_count(errors, 'error')} and {_count(warnings, 'warning')}" if rules.problems else "no problems"
    )
    return f"{_count(len(rules.playbooks), 'sound playbook')}, {found}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
