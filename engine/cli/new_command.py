"""`tminus new`: the first draft of a playbook."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.authoring.patterns import PATTERNS
from engine.authoring.scaffold import CannotScaffoldError, Order, draft, write_new
from engine.cli.shell import Shell

_SUBJECTS = tuple(dict.fromkeys(each.subject for each in PATTERNS.values()))


def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The playbook's name: small letters, digits, - and _.")],
    subject: Annotated[str | None, typer.Option(help=f"What a run is about: {', '.join(_SUBJECTS)}.")] = None,
    template: Annotated[str | None, typer.Option(help=f"How it begins: {', '.join(PATTERNS)}.")] = None,
    title: Annotated[
        str | None, typer.Option(help="How people read it; from the name when left out.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who maintains it.")] = None,
    role: Annotated[str | None, typer.Option(help="The role that gets its tasks.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the rule file goes; the configured rules when left out.")
    ] = None,
) -> None:
    """Write a playbook with its templates and a test, to be changed from there. Never overwrites."""
    shell: Shell = ctx.obj
    settings = shell.settings
    asks = _is_terminal()
    pattern = _pattern(shell, subject, template, asks)
    chosen = _role(shell, role, asks)
    title = title or _answer("Title", name.replace("-", " ").replace("_", " ").capitalize(), asks)
    owner = owner or _answer("Who maintains it", "cs-ops", asks)
    try:
        files = draft(
            Order.checked(name, pattern, title, owner, chosen), folder or settings.rules, settings.templates
        )
        write_new(files)
    except CannotScaffoldError as error:
        shell.refuse(str(error))
    for path in files:
        shell.console.print(f"wrote {path}", markup=False)
    rule = next(iter(files))
    shell.console.print(f"next: tminus check {rule} && tminus test {rule}", markup=False)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _answer(question: str, default: str, asks: bool) -> str:
    return str(typer.prompt(question, default=default)) if asks else default


def _pattern(shell: Shell, subject: str | None, template: str | None, asks: bool) -> str:
    """The pattern that subject and template together mean."""
    if subject is not None and subject not in _SUBJECTS:
        shell.refuse(f'"{subject}" is no subject; use one of {", ".join(_SUBJECTS)}')
    if template is not None and template not in PATTERNS:
        shell.refuse(f'"{template}" is no template; use one of {", ".join(PATTERNS)}')
    fitting = [name for name, each in PATTERNS.items() if subject in (None, each.subject)]
    if template is None:
        if asks and len(fitting) > 1:
            for name in fitting:
                shell.console.print(f"  {name}: {PATTERNS[name].about}", markup=False)
            template = _answer("How does it begin", fitting[0], asks)
            return _pattern(shell, subject, template, asks)
        return fitting[0]
    if template not in fitting:
        shell.refuse(
            f'"{template}" is for --subject {PATTERNS[template].subject}; '
            f"for {subject} there is {', '.join(fitting)}"
        )
    return template


def _role(shell: Shell, role: str | None, asks: bool) -> str:
    roles = list(shell.settings.roles)
    if not roles:
        shell.refuse("there are no roles to give a task to; add one under roles: in config.yaml")
    chosen = role or _answer("Who gets its tasks", roles[0], asks)
    if chosen not in roles:
        shell.refuse(f'"{chosen}" is no role; use one of {", ".join(roles)}')
    return chosen
