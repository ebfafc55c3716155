"""`tminus show`: a playbook written out, with its blueprint's part and the shared conditions it uses."""

import sys
from typing import Annotated

import typer

from engine.cli.shell import JsonOption, Shell
from engine.rulefile.configured import read_rules
from engine.rulefile.parse_playbook import PINNED_CONDITIONS
from engine.rulefile.problem import nearest, quote
from engine.rulefile.write import yaml_text
from engine.settings import ConfigError


def show(
    ctx: typer.Context,
    playbook: Annotated[str, typer.Argument(help="The playbook's name.")],
    json: JsonOption = False,
) -> None:
    """Print PLAYBOOK as a file that needs no blueprint, then the shared conditions it uses."""
    shell: Shell = ctx.obj
    try:
        rules = read_rules(shell.settings, shell.settings.catalogue())
    except ConfigError as error:
        shell.refuse(str(error))
    root = rules.roots.get(playbook)
    if root is None:
        near = nearest(playbook, sorted(rules.roots))
        hint = f" (did you mean {quote(near)}?)" if near else "; see tminus check for files with errors"
        shell.refuse(f"there is no sound playbook {quote(playbook)}{hint}")
    text, conditions = yaml_text(root), rules.files[playbook].get(PINNED_CONDITIONS, "")
    if json:
        file = next(each.file for each in rules.playbooks if each.name == playbook)
        shell.print_json({"file": file, "playbook": text, "conditions": conditions})
        return
    sys.stdout.write(text)
    if conditions:
        sys.stdout.write(f"---\n{conditions}")
