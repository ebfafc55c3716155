"""`tminus schema`: what editors need to complete and explain rule files."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.shell import Shell
from engine.rulefile.schema.files import rules_schema
from engine.settings import ConfigError


def schema(
    ctx: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it to this file instead of printing it.")
    ] = None,
) -> None:
    """Print the JSON Schema of rule files, with the fields and roles of the settings."""
    shell: Shell = ctx.obj
    try:
        found = rules_schema(shell.settings.catalogue(), shell.settings.roles)
    except ConfigError as error:
        shell.refuse(str(error))
    written = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if output is None:
        sys.stdout.write(written)
        return
    try:
        output.write_text(written, encoding="utf-8")
    except OSError as error:
        shell.refuse(f"{output}: cannot be written: {error.strerror}")
