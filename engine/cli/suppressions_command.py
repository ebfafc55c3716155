"""`tminus suppressions`: addresses nothing is sent to."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from connectors.address import BadAddressError, parse_mailbox
from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.permit.suppression import listed, release, suppress
from engine.state.database import reading, writing

suppressions = typer.Typer(help="Addresses nothing is sent to.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="An email address.")]
By = Annotated[str, typer.Option(help="Who decides it.")]


@suppressions.command("list")
def list_(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 100,
    json: JsonOption = False,
) -> None:
    """Show which addresses get nothing, since when and why, the newest first."""
    shell: Shell = ctx.obj
    with reading(shell.database) as connection:
        rows = listed(connection, limit)
    plain = [{"email": row.email, "reason": row.reason, "since": format_instant(row.since)} for row in rows]
    if json:
        shell.print_json(plain)
        return
    for each in plain:
        shell.console.print(f"{each['since']}  {each['reason']:<10}  {each['email']}", markup=False)
    if not plain:
        shell.console.print("no address is suppressed")


@suppressions.command("add")
def add(ctx: typer.Context, address: Address, by: By = "operator") -> None:
    """Send nothing to an address any more, transactional emails included."""
    shell: Shell = ctx.obj
    _check(shell, address)
    with writing(shell.database) as connection:
        is_new = suppress(connection, address, "manual", datetime.now(UTC), by)
    shell.console.print(f"{address} is suppressed{'' if is_new else ' already'}", markup=False)


@suppressions.command("remove")
def remove(ctx: typer.Context, address: Address, by: By = "operator") -> None:
    """Let an address get email again; what its person opted out of stays."""
    shell: Shell = ctx.obj
    _check(shell, address)
    with writing(shell.database) as connection:
        if not release(connection, address, datetime.now(UTC), by):
            shell.refuse(f"{address} is not suppressed; see tminus suppressions list")
    shell.console.print(f"{address} may get email again", markup=False)


def _check(shell: Shell, address: str) -> None:
    try:
        parse_mailbox(address)
    except BadAddressError as error:
        shell.refuse(str(error))
