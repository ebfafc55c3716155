"""`tminus token NAME` and `tminus tokens`: bearer tokens for the API and the console, each shown once."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from engine.api.tokens import KnownToken, create_token, list_tokens, revoke_token, revoke_tokens
from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.users.access import Permission

tokens = typer.Typer(help="The tokens that are in use.", no_args_is_help=True)


def token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who or what the token is for.")],
    scope: Annotated[
        list[Permission] | None, typer.Option(help="What it may do; everything when left out.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="For so long; until revoked when left out.")
    ] = None,
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
        _create(shell, name, scope or list(Permission), days, as_json)


@tokens.command("list")
def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are revoked too.")] = False,
    json: JsonOption = False,
) -> None:
    """Show which tokens there are, what they may do, and when they were last used."""
    shell: Shell = ctx.obj
    found = list_tokens(shell.database, revoked=everything)
    if json:
        shell.print_json([_plain(each) for each in found])
        return
    for each in found:
        used = f"last used {format_instant(each.used_at)}" if each.used_at else "never used"
        until = f"  until {format_instant(each.expires_at)}" if each.expires_at else ""
        state = "revoked" if each.revoked_at else used
        shell.console.print(
            f"{each.id}  {each.name}  {', '.join(sorted(each.scopes))}  {state}{until}", markup=False
        )
    if not found:
        shell.console.print("no token is in use; make one with: tminus token NAME")


@tokens.command("revoke")
def revoke_one(
    ctx: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as the list shows it.")],
    json: JsonOption = False,
) -> None:
    """Let one token be used no more; sessions begun with it end."""
    shell: Shell = ctx.obj
    known = [each for each in list_tokens(shell.database) if each.id == token_id]
    if not known:
        shell.refuse(f'no token in use has the id "{token_id}"; `tminus tokens list` shows them')
    revoke_token(shell.database, token_id, datetime.now(UTC))
    if json:
        shell.print_json({"id": token_id, "name": known[0].name, "revoked": 1})
    else:
        shell.console.print(f"the token of {known[0].name} is revoked", markup=False)


def _create(shell: Shell, name: str, scopes: list[Permission], days: int | None, as_json: bool) -> None:
    now = datetime.now(UTC)
    expires = now + timedelta(days=days) if days else None
    made = create_token(shell.database, name, now, scopes=set(scopes), expires_at=expires)
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


def _plain(each: KnownToken) -> dict[str, object]:
    times = ("created_at", "expires_at", "used_at", "revoked_at")
    found: dict[str, object] = {"id": each.id, "name": each.name, "scopes": sorted(each.scopes)}
    for name in times:
        at = getattr(each, name)
        found[name] = format_instant(at) if at else None
    return {**found, "created_by": each.created_by}
