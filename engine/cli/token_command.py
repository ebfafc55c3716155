"""`tminus token NAME`: a bearer token for the API and the console, shown once."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from engine.api.tokens import create_token, revoke_tokens
from engine.cli.shell import JsonOption, Shell


def token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who or what the token is for.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Revoke every token of that name.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a token for the API and the console, or revoke the tokens of a name."""
    shell: Shell = context.obj
    if not name.strip():
        shell.refuse("A token needs a name: who or what it is for.")
    if revoke:
        _revoke(shell, name, as_json)
    else:
        _create(shell, name, as_json)


def _create(shell: Shell, name: str, as_json: bool) -> None:
    made = create_token(shell.database, name, datetime.now(UTC))
    if as_json:
        shell.print_json({"name": name, "token": made})
    else:
        typer.echo(f"{made}\nKeep it; it is stored only as a hash and cannot be shown again.")


def _revoke(shell: Shell, name: str, as_json: bool) -> None:
    revoked = revoke_tokens(shell.database, name, datetime.now(UTC))
    if as_json:
        shell.print_json({"name": name, "revoked": revoked})
    elif revoked:
        typer.echo(f"{revoked} {'token' if revoked == 1 else 'tokens'} of {name} revoked.")
    if not revoked:
        if not as_json:
            typer.echo(f'No token of the name "{name}" is in use.', err=True)
        raise typer.Exit(1)
