"""`tminus suppressions`: addresses nothing is sent to."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from connectors.address import BadAddressError, parse_mailbox
from engine.cli.shell import JsonOption, Shell
from engine.permit.suppression import LONGEST_WHY, page, plain, release, suppress
from engine.state.cursor import BadCursorError
from engine.state.database import reading, writing

suppressions = typer.Typer(help="Addresses nothing is sent to.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="An email address.")]
By = Annotated[str, typer.Option(help="Who decides it.")]


@suppressions.command("list")
def list_(
    ctx: typer.Context,
    starting: Annotated[str, typer.Option(help="Those that begin so.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 100,
    cursor: Annotated[str | None, typer.Option(help="Where the list before ended.")] = None,
    json: JsonOption = False,
) -> None:
    """Show which addresses get nothing, since when, why and by whom, the newest first."""
    shell: Shell = ctx.obj
    try:
        with reading(shell.database) as connection:
            found = page(connection, limit=limit, cursor=cursor, starting=starting)
    except BadCursorError as error:
        shell.refuse(str(error))
    items = [plain(each) for each in found.items]
    if json:
        shell.print_json({"items": items, "next_cursor": found.cursor})
        return
    for each in items:
        words = ": ".join(filter(None, (each["by"], each["why"])))
        line = f"{each['since']}  {each['reason']:<10}  {each['email']}  {words}".rstrip()
        shell.console.print("".join(one if one.isprintable() else " " for one in line), markup=False)
    if not items:
        shell.console.print("no address is suppressed")
    if found.cursor:
        shell.say(f"there are more: --cursor {found.cursor}")


@suppressions.command("add")
def add(
    ctx: typer.Context,
    address: Address,
    why: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "",
    by: By = "operator",
) -> None:
    """Send nothing to an address any more, transactional emails included."""
    shell: Shell = ctx.obj
    _check(shell, address, why)
    with writing(shell.database) as connection:
        is_new = suppress(connection, address, "manual", datetime.now(UTC), by, why=why.strip())
    shell.console.print(f"{address} is suppressed{'' if is_new else ' already'}", markup=False)


@suppressions.command("remove")
def remove(
    ctx: typer.Context,
    address: Address,
    why: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
    by: By = "operator",
) -> None:
    """Let an address get email again; what its person opted out of stays."""
    shell: Shell = ctx.obj
    _check(shell, address, why)
    if not why.strip():
        shell.refuse("--why is empty; say why the address may get email again")
    with writing(shell.database) as connection:
        gone = release(connection, address, datetime.now(UTC), by, why=why.strip())
    if gone is None:
        shell.refuse(f"{address} is not suppressed; see tminus suppressions list")
    shell.console.print(f"{address} may get email again", markup=False)


def _check(shell: Shell, address: str, why: str) -> None:
    if len(why) > LONGEST_WHY:
        shell.refuse(f"--why is longer than {LONGEST_WHY:,} characters")
    try:
        parse_mailbox(address)
    except BadAddressError as error:
        shell.refuse(str(error))
